"""How the suite is: what was asked, what is wrong with it, and the exit code that follows."""

from dataclasses import dataclass
from typing import Any

import msgspec

from psi.shared.errors import PsiError, Unreachable
from psi.shared.messages.broker import BrokerStatusReply
from psi.shared.names import printable
from psictl.catalogue import broker_status
from psictl.client import BrokerClient
from psictl.generation import ConfigState, config_state
from psictl.http_socket import Answer, HttpSocket
from psictl.layout import Layout

_DETAIL_CHARACTERS = 200


@dataclass(frozen=True)
class Probed:
    """What one service said, or why it said nothing."""

    error: str = ""
    reachable: bool = True


@dataclass(frozen=True)
class Status:
    """Everything that ``psictl status`` shows."""

    layout: Layout
    frontend: Probed
    health: Answer | None
    broker: Probed
    state: BrokerStatusReply | None
    config: ConfigState | None

    @property
    def problems(self) -> list[str]:
        """One line for each thing that is not as it should be."""
        told = [probed.error for probed in (self.frontend, self.broker) if probed.error]
        if self.health is not None and self.health.status != 200:
            told.append(f"lookups are not answered: {self.health.reason}")
        return told if self.state is None else [*told, *self._broker_problems(self.state)]

    @property
    def exit_code(self) -> int:
        """4 where a service cannot be reached, 3 where something is wrong, else 0."""
        if not (self.frontend.reachable and self.broker.reachable):
            return 4
        return 3 if self.problems else 0

    def fields(self) -> dict[str, Any]:
        """Return what ``--json`` shows."""
        return {
            "exit": self.exit_code,
            "problems": self.problems,
            "config": None if self.config is None else self.config.fields(),
            "frontend": {
                "reachable": self.frontend.reachable,
                "healthy": self.health is not None and self.health.status == 200,
            },
            "broker": {"reachable": self.broker.reachable, **_state_fields(self.state)},
        }

    def _broker_problems(self, state: BrokerStatusReply) -> list[str]:
        told = [
            f"the credential of {printable(identity.scope)} is refused; correct it, or try "
            "psictl infisical login --retry"
            for identity in state.identities
            if identity.state == "refused"
        ]
        if state.upstream_error:
            told.append(f"Infisical: {printable(state.upstream_error, _DETAIL_CHARACTERS)}")
        if state.bad_mappings:
            told.append(
                f"{state.bad_mappings} files in {self.layout.state} are no mapping; "
                "the broker's log names each"
            )
        return told if self.config is None else [*told, *self.config.problems]


def read_status(layout: Layout) -> Status:
    """Ask every service; what cannot be reached is part of the answer."""
    frontend, health = _ask_frontend(layout)
    broker, state = _ask_broker(layout)
    config = None if state is None else config_state(layout, state)
    return Status(layout, frontend, health, broker, state, config)


def _ask_frontend(layout: Layout) -> tuple[Probed, Answer | None]:
    try:
        with HttpSocket(layout) as http:
            return Probed(), http.health()
    except Unreachable as error:
        return Probed(str(error), reachable=False), None


def _ask_broker(layout: Layout) -> tuple[Probed, BrokerStatusReply | None]:
    try:
        with BrokerClient(layout) as client:
            state, identities = broker_status(client)
            return Probed(), msgspec.structs.replace(state, identities=identities)
    except PsiError as error:
        return Probed(str(error), reachable=not isinstance(error, Unreachable)), None


def _state_fields(state: BrokerStatusReply | None) -> dict[str, Any]:
    """Return the broker's reply with every text made fit for a terminal."""
    if state is None:
        return {}
    fields = msgspec.to_builtins(state)
    for name in ("id", "type", "next"):
        fields.pop(name)
    return {name: _cleaned(value) for name, value in fields.items()}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value, 1024)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {name: _cleaned(item) for name, item in value.items()}
    return value
