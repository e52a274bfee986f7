"""The unit files: a golden list of directives each, one order for all, and a bound on exposure.

A directive that is changed, added or lost shows here first; that it does what it says is proven
on a booted host (tests/system). To accept a change, write what ``directives`` gives for the unit
into its golden file, and give the reason in the commit.
"""

import itertools
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"
GOLDEN = Path(__file__).parent / "units"
SERVICES = ("sealer", "broker", "pki", "frontend")
EXPOSURE = {"frontend": 2, "pki": 2, "sealer": 4, "broker": 11}
"""Ten times the highest score of ``systemd-analyze security``, as systemd 252 counts."""
ONESHOTS = ("psi-infisical-setup.service", "psi-infisical-refresh.service")
ALL = sorted(
    str(path.relative_to(UNITS))
    for path in UNITS.rglob("*")
    if path.suffix in {".service", ".socket", ".timer", ".target", ".conf"}
)


def directives(unit: str) -> list[str]:
    """Return ``Section.Name=value`` of each assignment, in order; no comments."""
    found, section = [], ""
    for line in (UNITS / unit).read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]") + "."
        elif line and not line.startswith("#"):
            found.append(section + line)
    return found


def names(unit: str) -> list[str]:
    """Return the names of a unit's directives in order, a repeated one once."""
    return list(dict.fromkeys(line.partition("=")[0] for line in directives(unit)))


@pytest.mark.parametrize("unit", ALL)
def test_a_unit_has_its_golden_directives_and_no_others(unit: str) -> None:
    golden = GOLDEN / (unit.replace("/", "+") + ".golden")
    assert directives(unit) == golden.read_text().splitlines()


def test_there_is_no_golden_list_of_a_unit_that_is_gone() -> None:
    listed = {path.name.removesuffix(".golden").replace("+", "/") for path in GOLDEN.iterdir()}
    assert listed == set(ALL)


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(SERVICES, 2)))
def test_all_services_keep_one_order_of_directives(one: str, other: str) -> None:
    first, second = names(f"psi-{one}.service"), names(f"psi-{other}.service")
    common = set(first) & set(second)
    assert len(common) > 50
    assert [name for name in first if name in common] == [n for n in second if n in common]


def test_no_line_assigns_two_things() -> None:
    lists = re.compile(r"^Service\.(SystemCallFilter|RestrictAddressFamilies)=")
    for unit in ALL:
        if unit.endswith(".conf") and "254" not in unit:
            continue
        for line in directives(unit):
            value = line.partition("=")[2]
            free = line.startswith(("Unit.Description", "Socket.Description", "Service.ExecStart"))
            assert free or lists.match(line) or " " not in value, f"{unit}: {line}"


@pytest.mark.parametrize("process", SERVICES)
def test_a_service_names_itself_the_same_everywhere(process: str) -> None:
    found = directives(f"psi-{process}.service")
    for expected in (
        f"Service.User=psi-{process}",
        f"Service.Group=psi-{process}",
        f"Service.SyslogIdentifier=psi-{process}",
        f"Service.ExecStart=/usr/lib/psi/current/{process}/bin/python3 -I -m psi.{process}",
        "Unit.StartLimitIntervalSec=0",
        "Service.WatchdogSignal=SIGKILL",
    ):
        assert expected in found


def _sockets() -> list[str]:
    return [unit for unit in ALL if unit.endswith(".socket")]


@pytest.mark.parametrize("unit", _sockets())
def test_a_socket_is_roots_and_its_service_waits_for_it(unit: str) -> None:
    found = directives(unit)
    (service,) = [line.partition("=")[2] for line in found if line.startswith("Socket.Service=")]
    assert "Socket.SocketUser=root" in found
    assert "Socket.Backlog=4096" in found
    of_service = directives(service)
    assert f"Unit.Requires={unit}" in of_service
    assert f"Unit.After={unit}" in of_service


def test_each_socket_has_one_caller() -> None:
    modes = {unit: [x for x in directives(unit) if "Group=" in x or "Mode=0" in x] for unit in ALL}
    expected = {
        "psi-frontend.socket": ("root", "0600"),
        "psi-broker-frontend.socket": ("psi-frontend", "0660"),
        "psi-broker-pki.socket": ("psi-pki", "0660"),
        "psi-sealer.socket": ("psi-broker", "0660"),
        "psi-broker-ctl.socket": ("root", "0600"),
        "psi-sealer-ctl.socket": ("root", "0600"),
        "psi-pki-ctl.socket": ("root", "0600"),
    }
    assert set(expected) == set(_sockets())
    for unit, (group, mode) in expected.items():
        assert f"Socket.SocketGroup={group}" in modes[unit]
        assert f"Socket.SocketMode={mode}" in modes[unit]


@pytest.mark.parametrize("process", SERVICES)
def test_a_services_exposure_stays_low(process: str) -> None:
    assert _exposed(UNITS / f"psi-{process}.service", EXPOSURE[process]) == 0


@pytest.mark.parametrize("unit", ONESHOTS)
def test_roots_oneshots_are_sandboxed_too(unit: str) -> None:
    assert _exposed(UNITS / unit, 8) == 0
    assert "Service.CapabilityBoundingSet=" in directives(unit)


def test_an_open_unit_is_over_the_threshold(tmp_path: Path) -> None:
    unit = tmp_path / "psi-frontend.service"
    text = (UNITS / "psi-frontend.service").read_text()
    unit.write_text(text.replace("PrivateNetwork=yes\n", ""))
    assert unit.read_text() != text
    assert _exposed(unit, EXPOSURE["frontend"]) == 1


def _exposed(unit: Path, threshold: int) -> int:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={threshold}", str(unit)],
        capture_output=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "SYSTEMD_LOG_LEVEL": "err"},
    )
    assert done.returncode in {0, 1}, done.stderr.decode()
    return done.returncode
