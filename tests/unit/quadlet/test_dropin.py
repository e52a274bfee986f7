"""The drop-ins as files: what is in them, and what is never overwritten."""

from pathlib import Path

import pytest

from psi.shared.errors import ConfigError, InvalidName
from psi.shared.projection import KeyOptions
from psictl.quadlet.dropin import (
    HEADER,
    ORDER_FILE,
    QUADLET_FOLDER,
    SECRETS_FILE,
    render_order,
    render_secrets,
    write_dropins,
)
from psictl.quadlet.secret_line import SecretUse
from psictl.quadlet.unit_file import parse_unit_file

SECRETS = render_secrets("myapp", [SecretUse("DB_HOST"), SecretUse("DB_USER")])
ORDER = render_order(["psi-infisical-setup.service", "db@1.service"])


def folder(root: Path, unit: str = "myapp.container") -> Path:
    return root.joinpath(*QUADLET_FOLDER, f"{unit}.d")


def test_the_secrets_file_is_a_header_and_a_line_for_each() -> None:
    assert (
        f"""{HEADER}

[Container]
Secret=myapp--DB_HOST,type=env,target=DB_HOST
Secret=myapp--DB_USER,type=env,target=DB_USER
"""
        == SECRETS
    )


def test_the_order_file_orders_and_starts() -> None:
    assert parse_unit_file(ORDER).assignments == [
        ("Unit", "After", "psi-infisical-setup.service db@1.service"),
        ("Unit", "Wants", "psi-infisical-setup.service db@1.service"),
    ]


def test_nothing_to_say_is_no_file() -> None:
    assert (render_secrets("myapp", []), render_order([])) == ("", "")


@pytest.mark.parametrize("unit", ["a b.service", "a.service\nX=y", "%i.service", "a", "a.sh", "\\"])
def test_a_unit_that_is_none_never_reaches_the_order_file(unit: str) -> None:
    with pytest.raises(InvalidName):
        render_order(["good.service", unit])


def test_two_keys_for_one_variable_are_refused() -> None:
    uses = [SecretUse("A"), SecretUse("B", KeyOptions(target="A"))]
    with pytest.raises(ConfigError, match="keys A and B both give env A"):
        render_secrets("myapp", uses)


def test_one_key_twice_is_refused() -> None:
    uses = [SecretUse("A"), SecretUse("A", KeyOptions(target="B"))]
    with pytest.raises(ConfigError, match="both give name myapp--A"):
        render_secrets("myapp", uses)


def test_one_target_as_variable_and_as_file_is_fine() -> None:
    uses = [SecretUse("A"), SecretUse("B", KeyOptions(type="mount", target="A"))]
    assert render_secrets("myapp", uses).count("target=A") == 2


def test_both_files_are_written_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    texts = {SECRETS_FILE: SECRETS, ORDER_FILE: ORDER}
    assert write_dropins(tmp_path, "myapp.container", texts) == [SECRETS_FILE, ORDER_FILE]
    written = folder(tmp_path) / SECRETS_FILE
    assert written.read_text() == SECRETS
    assert written.stat().st_mode & 0o777 == 0o644
    before = written.stat().st_ino
    assert write_dropins(tmp_path, "myapp.container", texts) == []
    assert written.stat().st_ino == before


def test_a_changed_text_replaces_its_file_only(tmp_path: Path) -> None:
    write_dropins(tmp_path, "w@.container", {SECRETS_FILE: SECRETS, ORDER_FILE: ORDER})
    fewer = render_secrets("myapp", [SecretUse("DB_HOST")])
    texts = {SECRETS_FILE: fewer, ORDER_FILE: ORDER}
    assert write_dropins(tmp_path, "w@.container", texts) == [SECRETS_FILE]
    assert (folder(tmp_path, "w@.container") / SECRETS_FILE).read_text() == fewer


def test_an_empty_text_removes_the_file(tmp_path: Path) -> None:
    write_dropins(tmp_path, "myapp.container", {ORDER_FILE: ORDER})
    assert write_dropins(tmp_path, "myapp.container", {ORDER_FILE: ""}) == [ORDER_FILE]
    assert write_dropins(tmp_path, "myapp.container", {ORDER_FILE: ""}) == []
    assert list(folder(tmp_path).iterdir()) == []


@pytest.mark.parametrize("text", [SECRETS, ""])
def test_a_file_that_psictl_did_not_write_is_left_alone(tmp_path: Path, text: str) -> None:
    folder(tmp_path).mkdir(parents=True)
    foreign = folder(tmp_path) / SECRETS_FILE
    foreign.write_text("[Container]\nSecret=mine\n")
    with pytest.raises(ConfigError, match=r"myapp\.container\.d/50-secrets\.conf was not written"):
        write_dropins(tmp_path, "myapp.container", {ORDER_FILE: ORDER, SECRETS_FILE: text})
    assert foreign.read_text() == "[Container]\nSecret=mine\n"
    assert not (folder(tmp_path) / ORDER_FILE).exists()


@pytest.mark.parametrize(
    "unit", ["wind-.container", "../x.container", "x", "x.service", "a/b.container", ".container"]
)
def test_a_unit_name_that_is_none_makes_no_folder(tmp_path: Path, unit: str) -> None:
    with pytest.raises(InvalidName):
        write_dropins(tmp_path, unit, {ORDER_FILE: ORDER})
    assert list(tmp_path.iterdir()) == []
