"""An ``apply`` that did not come to its end: status says so, and the next completes it."""

from pathlib import Path

from psi.shared.messages.broker import BrokerStatus, BrokerStatusReply
from psictl.apply import apply
from psictl.generation import ConfigState, config_state
from psictl.layout import Layout
from tests.fakes.broker.world import World
from tests.fakes.systemd.manager import FakeSystemd
from tests.unit.apply.conftest import VALID, Apply, Write

NEW = VALID.replace("/web", "/site")
TOLD = "the last psictl apply did not come to its end: psictl apply completes it"


def _state(layout: Layout) -> ConfigState:
    """Return the state as status finds it."""
    running = World().answer(BrokerStatus())
    assert isinstance(running, BrokerStatusReply)
    return config_state(layout, running)


def _lead(link: Path, target: str) -> None:
    link.unlink()
    link.symlink_to(target)


def test_a_switch_that_was_not_followed(
    on_host: Apply, layout: Layout, systemd: FakeSystemd
) -> None:
    on_host()
    systemd.boot()
    assert TOLD not in _state(layout).problems
    on_host(NEW)
    _lead(layout.current, "gen-1")
    _lead(layout.config_dir / "loaded", "gen-1")
    assert TOLD in _state(layout).problems
    result = on_host(NEW)
    assert (result.generation, result.written, result.restarted) == (2, False, ("broker",))
    assert str(layout.current.readlink()) == "gen-2"
    assert TOLD not in _state(layout).problems
    assert _state(layout).fields()["complete"] is True


def test_services_that_were_not_restarted(
    on_host: Apply, layout: Layout, systemd: FakeSystemd
) -> None:
    on_host()
    systemd.boot()
    systemd.set_broken("psi-broker.service")
    on_host(NEW)
    assert TOLD in _state(layout).problems
    assert _state(layout).fields()["complete"] is False
    systemd.set_broken()
    on_host(NEW)
    assert TOLD not in _state(layout).problems


def test_below_a_development_root_there_is_nothing_to_follow(layout: Layout, write: Write) -> None:
    apply(write(), layout)
    assert _state(layout).complete


def test_a_link_to_what_is_not_there_is_not_followed(
    on_host: Apply, layout: Layout, systemd: FakeSystemd
) -> None:
    on_host()
    systemd.boot()
    _lead(layout.generated / "current", "gen-9")
    result = on_host()
    assert (result.generation, result.written, result.restarted) == (2, True, ("broker",))
