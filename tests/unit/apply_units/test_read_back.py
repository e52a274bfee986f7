"""The real systemd reads what is derived, and understands what was meant."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from psictl.apply.units.mounts import code, shared, shown
from psictl.apply.units.words import word
from tests.fakes.systemd.reader import read_units
from tests.unit.apply_units.conftest import Derive
from tests.unit.apply_units.test_words import TELLABLE
from tests.unit.shared.properties import PROPERTY

ROOT = Path(__file__).resolve().parents[3]
SERVICE = b"[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/true\n"
FEW = settings(PROPERTY, max_examples=10, suppress_health_check=[HealthCheck.too_slow])
"""Each example is a systemd that reads units."""
DROP_IN = "x.service.d/50-psi.conf"
PARTS = TELLABLE.filter(lambda text: "/" not in text and text not in {".", ".."})
PATHS = st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))


def _understood(lines: list[str]) -> list[str]:
    drop_in = "\n".join(["[Service]", *lines, ""]).encode()
    files = {"x.service": SERVICE, DROP_IN: drop_in}
    found, warnings = read_units("x.service", files)
    assert "50-psi.conf" not in warnings
    return found


@given(PATHS, PATHS)
@FEW
def test_folders_are_those_that_were_meant(read: str, used: str) -> None:
    found = _understood([*shown(read), *shared(used), f"DeviceAllow={word('/dev/' + used[1:])} rw"])
    assert f"BindReadOnlyPaths: -{read}:{read}:rbind" in found
    assert f"BindPaths: -{used}:{used}:rbind" in found
    assert f"NoExecPaths: -+{read} -+{used}" in found
    assert f"DeviceAllow: /dev/{used[1:]} rw" in found


@given(PATHS)
@FEW
def test_a_modules_folder_is_the_one_that_was_meant(folder: str) -> None:
    found = _understood(code(folder, is_seen=True))
    assert f"ExecPaths: -+{folder}" in found
    assert f"ReadOnlyPaths: -+{folder}" in found
    assert f"BindReadOnlyPaths: -{folder}:{folder}:rbind" in _understood(
        code(folder, is_seen=False)
    )


def test_what_is_not_escaped_is_understood_otherwise() -> None:
    drop_in = b"[Service]\nBindReadOnlyPaths=-/srv/a:b\n"
    _, warnings = read_units("x.service", {"x.service": SERVICE, DROP_IN: drop_in})
    assert "path is not absolute, ignoring: b" in warnings


def test_addresses_are_understood(derive: Derive) -> None:
    text = "providers: {infisical: {api_url: 'https://[fd00::5]'}}\n"
    drop_in = derive(text)["psi-broker.service.conf"].encode()
    found, _ = read_units("x.service", {"x.service": SERVICE, DROP_IN: drop_in})
    assert "IPAddressAllow: fd00::5/128" in found


def test_the_timer_has_the_new_interval_and_none_of_the_shipped(derive: Derive) -> None:
    name = "psi-infisical-refresh.timer"
    text = "cache: {backend: memory, refresh_interval: 3h, refresh_randomized_delay: 42s}\n"
    shipped: dict[str, bytes | Path] = {
        name: (ROOT / "systemd" / name).read_bytes(),
        name.replace("timer", "service"): SERVICE,
    }
    drop_in = derive(text)[f"{name}.conf"].encode()
    before, _ = read_units(name, shipped)
    after, warnings = read_units(name, {**shipped, f"{name}.d/50-psi.conf": drop_in})
    assert _intervals(before) == ["OnActiveSec: 1h", "OnUnitActiveSec: 1h"]
    assert _intervals(after) == ["OnActiveSec: 3h", "OnUnitActiveSec: 3h"]
    assert "50-psi.conf" not in warnings


def _intervals(found: list[str]) -> list[str]:
    return sorted(line for line in found if line.startswith(("OnActive", "OnUnitActive")))


def test_a_link_to_nothing_says_nothing() -> None:
    """links.py makes links before what they lead to, and takes them away after it."""
    units: dict[str, bytes | Path] = {"x.service": SERVICE}
    usual, _ = read_units("x.service", units)
    found, warnings = read_units("x.service", {**units, DROP_IN: Path("/nowhere/x.conf")})
    assert warnings == ""
    assert _settings(found) == _settings(usual)
    full, _ = read_units("x.service", {**units, DROP_IN: b"[Service]\nPrivateTmp=yes\n"})
    assert _settings(full) != _settings(usual)


def _settings(found: list[str]) -> list[str]:
    """Return what does not name the folder, the moment, or that a drop-in cannot be read."""
    other = ("Fragment", "DropIn", "State Change", "Need Daemon Reload")
    return [line for line in found if not line.startswith(other)]
