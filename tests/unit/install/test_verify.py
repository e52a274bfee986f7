"""What the real systemd-analyze says of the units, before they are in place."""

from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psictl.install.host import OLDEST_SYSTEMD, systemd_version
from psictl.install.places import UNITS, Places
from psictl.install.rendering import render
from psictl.install.shipped import read_shipped, shipped_folder
from psictl.install.verify import check_programs, programs_of, verify
from tests.unit.install.conftest import Copy, Machine
from tests.unit.install.programs import write_program

PREFIX = "/usr/lib/psi"
SYSTEMD = systemd_version() or OLDEST_SYSTEMD
SERVICE = f"{UNITS}/psi-x.service"
GOOD = f"[Service]\nExecStart={PREFIX}/current/x/bin/python3 -I -m psi.x\n"


@pytest.mark.parametrize("prefix", [PREFIX, "/opt/psi"])
def test_the_shipped_units_are_accepted(prefix: str, tmp_path: Path) -> None:
    shipped = read_shipped(shipped_folder(), SYSTEMD)
    texts = render(shipped, Places(prefix=prefix), "/usr/bin/python3.14")
    verify(texts, prefix, SYSTEMD, tmp_path)


def test_a_good_unit_is_accepted(tmp_path: Path) -> None:
    verify({SERVICE: GOOD}, PREFIX, SYSTEMD, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{GOOD}NoNewPriviledges=yes\n", "NoNewPriviledges"),
        (f"{GOOD}ProtectSystem=maybe\n", "maybe"),
        ("[Service]\nExecStart=/usr/lib/psi/elsewhere\n", "not executable"),
        ("[Service]\nUser=psi-x\n", "psi-x.service"),
    ],
    ids=["unknown directive", "bad value", "no program", "no command"],
)
def test_a_unit_with_a_fault_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(PsiError, match="systemd does not accept the units") as raised:
        verify({SERVICE: text}, PREFIX, SYSTEMD, tmp_path)
    assert said in str(raised.value)


def test_a_drop_in_with_a_fault_is_refused(tmp_path: Path) -> None:
    texts = {SERVICE: GOOD, f"{SERVICE}.d/10.conf": "[Service]\nRestartStops=5\n"}
    with pytest.raises(PsiError, match="RestartStops"):
        verify(texts, PREFIX, SYSTEMD, tmp_path)


def test_a_socket_without_its_service_is_refused(tmp_path: Path) -> None:
    text = "[Socket]\nListenStream=/run/psi-x\nService=psi-nowhere.service\n"
    with pytest.raises(PsiError, match="psi-nowhere"):
        verify({f"{UNITS}/psi-x.socket": text}, PREFIX, SYSTEMD, tmp_path)


def test_what_252_ignores_of_private_users_is_no_fault(tmp_path: Path) -> None:
    verify({SERVICE: f"{GOOD}PrivateUsers=identity\n"}, PREFIX, SYSTEMD, tmp_path)


def test_other_words_for_private_users_are_one(tmp_path: Path) -> None:
    with pytest.raises(PsiError, match="identical"):
        verify({SERVICE: f"{GOOD}PrivateUsers=identical\n"}, PREFIX, SYSTEMD, tmp_path)


def test_without_systemd_analyze_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PsiError, match="apt-get install systemd"):
        verify({SERVICE: GOOD}, PREFIX, SYSTEMD, tmp_path)


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("echo 'Failed to initialize manager: no cgroups' >&2; exit 1", "Failed to initialize"),
        ("exit 1", "ended with 1 and said nothing"),
    ],
)
def test_a_verify_that_cannot_work_is_no_yes(
    does: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(tmp_path, "systemd-analyze", does)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(PsiError, match=said):
        verify({SERVICE: GOOD}, PREFIX, SYSTEMD, tmp_path / "scratch")


def test_faults_of_other_units_of_the_host_are_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "/etc/systemd/system/psi-x.service.d/mine.conf:1: Unknown key name 'A', ignoring."
    write_program(tmp_path, "systemd-analyze", f'echo "{told}"; exit 1')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    verify({SERVICE: GOOD}, PREFIX, SYSTEMD, tmp_path / "scratch")


def test_the_programs_of_the_units_are_known() -> None:
    assert programs_of({SERVICE: GOOD}, PREFIX) == {"x/bin/python3"}
    assert programs_of({SERVICE: GOOD.replace("=/", "=+/")}, PREFIX) == {"x/bin/python3"}
    assert programs_of({SERVICE: GOOD}, "/opt/psi") == set()


def test_a_version_without_a_program_of_its_units_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PsiError, match="the version has no x/bin/python3"):
        check_programs({SERVICE: GOOD}, PREFIX, tmp_path)
    program = tmp_path / "x/bin/python3"
    program.parent.mkdir(parents=True)
    program.symlink_to("/bin/true")
    check_programs({SERVICE: GOOD}, PREFIX, tmp_path)


def test_an_installation_with_a_faulty_unit_changes_nothing(
    copy: Copy, installed: Machine, tmp_path: Path
) -> None:
    machine = copy(installed)
    before = machine.snapshot()
    assert machine.request.units is not None
    units = tmp_path / "faulty"
    for file in machine.request.units.rglob("*.*"):
        if file.is_file():
            target = units / file.relative_to(machine.request.units)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    (units / "psi.target").write_text("[Unit]\nDescribtion=x\n")
    with pytest.raises(PsiError, match="Describtion"):
        machine.install(units=units)
    assert machine.snapshot() == before
    assert machine.host.log == []
