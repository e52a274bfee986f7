"""``apply --rollback``: what was in force before is so again, on disk and in what runs."""

import json
from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psictl.apply import apply, rollback
from psictl.layout import Layout
from tests.fakes.systemd.manager import FakeSystemd
from tests.unit.apply.conftest import SEALED, VALID, Apply, Write
from tests.unit.apply.in_force import in_force

BROKER = "psi-broker.service"


def _named(name: str, text: str = VALID) -> str:
    return text.replace("  web:", f"  {name}:")


def _runs(systemd: FakeSystemd) -> str:
    return str(next(iter(json.loads(systemd.given(BROKER)["config.json"])["workloads"])))


def test_what_was_in_force_before_is_so_again(
    on_host: Apply, layout: Layout, systemd: FakeSystemd
) -> None:
    on_host(_named("old"))
    systemd.boot()
    on_host(_named("new", SEALED))
    result = rollback(layout, manager=systemd)
    assert (result.generation, result.restarted, result.failed) == (1, ("broker",), ())
    assert result.stopped == ("sealer", "psi-infisical-refresh.timer")
    assert in_force(layout, systemd, running=True) == "old"


def test_a_configuration_that_stops_the_broker_is_taken_back(
    on_host: Apply, layout: Layout, systemd: FakeSystemd
) -> None:
    on_host(_named("old"))
    systemd.boot()
    systemd.set_broken(BROKER)
    assert on_host(_named("new")).failed
    systemd.set_broken()
    result = rollback(layout, manager=systemd)
    assert (result.started, result.failed) == (("broker",), ())
    assert _runs(systemd) == "old"


def test_it_goes_back_step_by_step_as_far_as_is_kept(
    on_host: Apply, layout: Layout, systemd: FakeSystemd
) -> None:
    for name in ("a", "b", "c", "d", "e"):
        on_host(_named(name))
    rollback(layout, manager=systemd)
    rollback(layout, manager=systemd)
    assert in_force(layout, systemd) == "c"
    with pytest.raises(PsiError, match="no whole generation before"):
        rollback(layout, manager=systemd)
    assert in_force(layout, systemd) == "c"


def test_what_was_never_in_force_is_not_gone_back_to(
    on_host: Apply, layout: Layout, systemd: FakeSystemd
) -> None:
    on_host(_named("old"))
    on_host(_named("never"))
    # As an apply leaves it that is killed before its switch.
    for current in (layout.generated / "current", layout.current):
        current.unlink()
        current.symlink_to("gen-1")
    assert on_host(_named("new")).generation == 3
    rollback(layout, manager=systemd)
    assert in_force(layout, systemd) == "old"


def test_the_next_apply_goes_forward_again(
    on_host: Apply, layout: Layout, systemd: FakeSystemd
) -> None:
    on_host(_named("old"))
    systemd.boot()
    on_host(_named("new"))
    rollback(layout, manager=systemd)
    result = on_host(_named("new"))
    assert (result.generation, result.restarted) == (3, ("broker",))
    assert in_force(layout, systemd, running=True) == "new"
    rollback(layout, manager=systemd)
    assert in_force(layout, systemd, running=True) == "old"


def test_without_one_before_nothing_is_changed(
    on_host: Apply, layout: Layout, systemd: FakeSystemd
) -> None:
    with pytest.raises(PsiError, match="no whole generation before"):
        rollback(layout, manager=systemd)
    on_host(_named("old"))
    with pytest.raises(PsiError, match="no whole generation before"):
        rollback(layout, manager=systemd)
    assert in_force(layout, systemd) == "old"


def test_half_a_generation_is_not_gone_back_to(
    on_host: Apply, layout: Layout, systemd: FakeSystemd
) -> None:
    on_host(_named("old"))
    on_host(_named("new"))
    half: Path = layout.generated / "gen-1"
    (half / f"{BROKER}.conf").unlink()
    half.rmdir()
    with pytest.raises(PsiError, match="no whole generation before"):
        rollback(layout, manager=systemd)
    assert in_force(layout, systemd) == "new"


def test_below_a_development_root_too(layout: Layout, write: Write) -> None:
    apply(write(_named("old")), layout)
    apply(write(_named("new")), layout)
    assert rollback(layout).generation == 1
    assert in_force(layout) == "old"
    assert not layout.generated.exists()
