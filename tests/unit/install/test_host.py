"""What is asked of the host's own programs, and what their refusals become."""

import os
from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psictl.install.host import ThisHost, active, systemd_version
from psictl.install.locking import check_root
from psictl.install.programs import last_words, run
from tests.fakes.install.host import FakeHost
from tests.unit.install.programs import write_program


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is searched first."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def test_users_and_folders_are_made_of_what_is_fed(programs: Path, tmp_path: Path) -> None:
    for name in ("systemd-sysusers", "systemd-tmpfiles"):
        write_program(programs, name, f"echo {name} $* >>{tmp_path}/log; cat >>{tmp_path}/log")
    ThisHost().make_users("u psi-x\n")
    ThisHost().make_folders("d /run/psi\n")
    assert (tmp_path / "log").read_text() == (
        "systemd-sysusers -\nu psi-x\nsystemd-tmpfiles --create -\nd /run/psi\n"
    )


@pytest.mark.parametrize(
    ("program", "call", "said"),
    [
        ("systemd-sysusers", lambda: ThisHost().make_users(""), "the users could not be made"),
        ("systemd-tmpfiles", lambda: ThisHost().make_folders(""), "the folders could not be made"),
        ("systemctl", lambda: ThisHost().disable(["a"]), "the units could not be disabled"),
    ],
    ids=["users", "folders", "disable"],
)
def test_a_refusal_is_told_with_its_words(
    program: str, call: object, said: str, programs: Path
) -> None:
    write_program(programs, program, "echo 'no: \033[31mred' >&2; exit 1")
    with pytest.raises(PsiError, match=rf"{said}: no: \S*red") as raised:
        call()  # type: ignore[operator]
    assert "\033" not in str(raised.value)


def test_a_program_that_is_missing_is_named(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(PsiError, match="systemd-sysusers did not run"):
        ThisHost().make_users("")


def test_units_are_disabled_together(programs: Path, tmp_path: Path) -> None:
    write_program(programs, "systemctl", f"echo $* >>{tmp_path}/log")
    ThisHost().disable(["psi.target", "psi-frontend.socket"])
    told = (tmp_path / "log").read_text()
    assert told == "disable --quiet -- psi.target psi-frontend.socket\n"


def test_a_user_that_is_not_there_is_not_removed(programs: Path) -> None:
    write_program(programs, "userdel", "exit 1")
    assert ThisHost().remove_user("psi-nobody-of-this-name") is False


def test_a_user_that_is_there_is_removed(programs: Path, tmp_path: Path) -> None:
    write_program(programs, "userdel", f"echo $* >{tmp_path}/log")
    assert ThisHost().remove_user("daemon") is True
    assert (tmp_path / "log").read_text() == "daemon\n"


@pytest.mark.parametrize(
    ("does", "version"),
    [("echo systemd 257 '(257.13-1)'", 257), ("echo toybox", None), ("exit 1", None)],
)
def test_the_version_of_systemd(does: str, version: int | None, programs: Path) -> None:
    write_program(programs, "systemctl", does)
    assert systemd_version() == version


def test_what_runs_is_given_in_the_order_of_restarts(tmp_path: Path) -> None:
    names = ["psi-frontend.service", "psi-sealer.service", "psi-broker.service"]
    host = FakeHost(tmp_path / "log", [*names, "psi-infisical-setup.service"])
    assert active(host, [*names, "psi-infisical-setup.service"]) == [
        "psi-sealer.service", "psi-broker.service", "psi-frontend.service",
    ]  # fmt: skip
    assert active(host, ["psi-pki.service"]) == []


def test_programs_make_files_that_all_may_read_and_see_no_python_settings(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/evil")
    monkeypatch.setenv("PIP_CERT", "/ca")
    write_program(programs, "made", f"umask; echo $PYTHONPATH-$PIP_CERT; touch {tmp_path}/file")
    before = os.umask(0o077)
    try:
        assert run(["made"], "x").split() == ["0022", "-/ca"]
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


def test_a_program_that_hangs_is_ended(programs: Path) -> None:
    write_program(programs, "hangs", "exec sleep 60")
    with pytest.raises(PsiError, match=r"it failed: hangs did not end within 0 s"):
        run(["hangs"], "it failed", seconds=0.2)


def test_last_words_are_few_and_printable() -> None:
    assert last_words(b"1\n2\n3\n4\n5\n6\n7\n\n\x1b[31m8\n") == "3 / 4 / 5 / 6 / 7 / ?[31m8"
    assert last_words(b"\n") == "it said nothing"


def test_only_root_may_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PsiError, match="run psictl install as root; nothing was changed"):
        check_root()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    check_root()
