"""Keys of the forerunner that have no place here get a message that says what to do."""

import pytest

from tests.unit.config.conftest import Check


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("socket_token: x", "socket_token", "the kernel says who connects"),
        ("scope: user", "scope", "there is no user scope"),
        ("systemd_dir: /etc/systemd/system", "systemd_dir", "units have one place"),
        ("ca_cert: /ca.pem", "ca_cert", "move it to providers.infisical.ca_cert"),
        ("state_dir: /srv/psi", "state_dir", "the state folder is always /var/lib/psi"),
        ("providers: {nitrokeyhsm: {slot: 0}}", "providers.nitrokeyhsm", "sealer.pkcs11"),
        ("cache: {path: /x}", "cache.path", "remove this key"),
        ("sealer: {pkcs11: {slot: 0}}", "sealer.pkcs11.slot", "token_label"),
        ("infisical: {}", "infisical", "move it below providers"),
    ],
)
def test_a_key_without_a_place(errors: Check, text: str, path: str, words: str) -> None:
    told = [line for line in errors(text) if line.startswith(f"1: {path}: ")]
    assert len(told) == 1
    assert words in told[0]
    assert "unknown key" not in told[0]


def test_the_forerunners_state_folder_is_ours(errors: Check) -> None:
    assert errors("state_dir: /var/lib/psi") == []
