"""No message repeats a credential, whatever is wrong with the line that it stands on."""

import pytest

from tests.unit.config.conftest import Check, Load

SECRET = "hunter2"
SPOILED = [
    "client_secret: [hunter2]",
    "client_secret: {hunter2: 1}",
    "client_secret: {hunter2}",
    "client_secret: *hunter2",
    "client_secret: &hunter2",
    "client_secret: !hunter2",
    "client_secret: !hunter2!x y",
    "client_secret: &hunter2 a, client_id: &hunter2 b",
    "client_secret:hunter2",
    "client_secret hunter2",
    "client_secret, hunter2",
    "client_secret:hunter2: x",
    "client_secert: hunter2",
    "client_secret: hunter2, client_secret: hunter2",
    'client_secret: "\\0hunter2"',
    "client_secret: 'hunter2",
    "client_secret: %hunter2",
    "client_secret: @hunter2",
    "client_secret: `hunter2",
    "client_secret: hunter2: hunter2",
    "client_secret: hunter2, client_secret_file: /x",
    "? hunter2",
]


@pytest.mark.parametrize("line", SPOILED)
@pytest.mark.parametrize("auth", ["{{method: universal-auth, client_id: m, {}}}", "{{{}}}"])
def test_a_spoiled_line_does_not_show_its_secret(errors: Check, line: str, auth: str) -> None:
    told = errors(f"providers:\n  infisical:\n    auth: {auth.format(line)}\n")
    assert told
    assert not any(SECRET in each for each in told), told


@pytest.mark.parametrize("line", [line for line in SPOILED if "," not in line])
def test_a_spoiled_line_in_block_style_does_not_either(errors: Check, line: str) -> None:
    told = errors(f"providers:\n  infisical:\n    auth:\n      {line}\n      method: token\n")
    assert told
    assert not any(SECRET in each for each in told), told


@pytest.mark.parametrize(
    "text",
    [
        "providers: {infisical: {proxy: 'ftp://user:hunter2@host'}}",
        "providers: {infisical: {proxy: 'http://user:hunter2@host/path'}}",
        "providers: {infisical: {api_url: 'https://user:hunter2@host'}}",
        "providers: {infisical: {api_url: 'https://host:hunter2'}}",
        "sealer: {pkcs11: {pin: hunter2}}",
        "socket_token: hunter2",
        "providers: {infisical: {auth: {method: ldap, password: [hunter2]}}}",
        "providers: {infisical: {auth: {method: jwt, jwt: {a: hunter2}}}}",
    ],
)
def test_other_places_for_secrets_do_not_show_them(errors: Check, text: str) -> None:
    told = errors(text)
    assert told
    assert not any(SECRET in each for each in told), told


def test_a_loaded_configuration_does_not_print_its_secret(load_text: Load, valid: str) -> None:
    assert SECRET in valid
    assert SECRET not in repr(load_text(valid))


def test_control_characters_of_the_file_do_not_reach_the_terminal(errors: Check) -> None:
    told = errors('audit: "\\e[2J\\nfull"\n"w\\e[2J": 1\n')
    assert len(told) == 2
    assert all(each.isprintable() for each in told)
