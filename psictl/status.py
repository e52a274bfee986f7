"""How the suite is: what was asked, what is wrong with it, and the exit code that follows."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from psi.shared.errors import PsiError, Unreachable
from psi.shared.limits import Limits
from psi.shared.messages.base import Reply
from psi.shared.messages.broker import (
    BrokerStatusReply,
)
from psi.shared.messages.broker_cache import (
    CacheStatus,
    CacheStatusReply,
)
from psi.shared.messages.pki import PkiStatus, PkiStatusReply
from psi.shared.messages.sealer import SealerStatusReply
from psi.shared.names import printable
from psictl.cache.health import cache_problems, sealer_problems
from psictl.cache.keyslots import sealer_status
from psictl.catalogue import broker_status
from psictl.client import BrokerClient, PkiClient, SealerClient
from psictl.config.model import SEALED_BACKENDS
from psictl.generation import ConfigState, config_state
from psictl.http_socket import Answer, HttpSocket
from psictl.layout import Layout
from psictl.pki_health import pki_expected, pki_problems
from psictl.reply_fields import reply_fields
from psictl.systemd.sockets import failed_sockets

_DETAIL_CHARACTERS = 200
ANSWER_SECONDS: Final = 15.0
"""For each service: what is asked lies in its memory, and a restart in between takes seconds."""
_LIMITS: Final = msgspec.structs.replace(Limits(), control_seconds=ANSWER_SECONDS)


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
    cache: CacheStatusReply | None
    sealer: Probed | None
    """None where nothing is kept at rest, and so no sealer is needed."""
    sealer_state: SealerStatusReply | None
    pki: Probed | None
    """None on a host that has no pki."""
    pki_state: PkiStatusReply | None
    failed_sockets: tuple[str, ...] = ()
    """What to do about each: whoever asks there is not even queued."""

    @property
    def problems(self) -> list[str]:
        """One line for each thing that is not as it should be."""
        told = [*self.failed_sockets, *(each.error for each in self._probed if each.error)]
        if self.health is not None and self.health.status != 200:
            told.append(f"lookups are not answered: {self.health.reason}")
        if self.state is not None:
            told += self._broker_problems(self.state)
        if self.sealer_state is not None:
            told += sealer_problems(self.sealer_state)
        if self.pki_state is not None:
            told += pki_problems(self.pki_state)
        return told if self.cache is None else [*told, *cache_problems(self.cache)]

    @property
    def exit_code(self) -> int:
        """4 where a service cannot be reached, 3 where something is wrong, else 0."""
        if self.failed_sockets or not all(probed.reachable for probed in self._probed):
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
            "broker": {"reachable": self.broker.reachable, **_fields(self.state)},
            "cache": None if self.cache is None else _cache_fields(self.cache),
            "sealer": _service_fields(self.sealer, self.sealer_state),
            "pki": _service_fields(self.pki, self.pki_state),
            "failed_sockets": list(self.failed_sockets),
        }

    @property
    def _probed(self) -> tuple[Probed, ...]:
        services = (self.frontend, self.broker, self.sealer, self.pki)
        return tuple(probed for probed in services if probed is not None)

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
    broker, state, cache = _ask_broker(layout)
    config = None if state is None else config_state(layout, state)
    sealed = state is not None and state.backend in SEALED_BACKENDS
    sealer, sealer_state = _ask_sealer(layout) if sealed else (None, None)
    pki, pki_state = _ask_pki(layout) if pki_expected(layout) else (None, None)
    return Status(
        layout, frontend, health, broker, state, config, cache,
        sealer, sealer_state, pki, pki_state, tuple(failed_sockets(layout)),
    )  # fmt: skip  # what was asked, then what was said


def _ask_frontend(layout: Layout) -> tuple[Probed, Answer | None]:
    try:
        with HttpSocket(layout, ANSWER_SECONDS) as http:
            return Probed(), http.health()
    except Unreachable as error:
        return Probed(str(error), reachable=False), None


def _ask_broker(
    layout: Layout,
) -> tuple[Probed, BrokerStatusReply | None, CacheStatusReply | None]:
    try:
        with BrokerClient(layout, _LIMITS) as client:
            state, identities = broker_status(client)
            state = msgspec.structs.replace(state, identities=identities)
            kept = state.backend != "none"
            cache = client.call(CacheStatus(), CacheStatusReply) if kept else None
            return Probed(), state, cache
    except PsiError as error:
        return _failed(error), None, None


def _ask_sealer(layout: Layout) -> tuple[Probed, SealerStatusReply | None]:
    try:
        with SealerClient(layout, _LIMITS) as client:
            return Probed(), sealer_status(client)
    except PsiError as error:
        return _failed(error), None


def _ask_pki(layout: Layout) -> tuple[Probed, PkiStatusReply | None]:
    try:
        with PkiClient(layout, _LIMITS) as client:
            return Probed(), client.call(PkiStatus(), PkiStatusReply)
    except PsiError as error:
        return _failed(error), None


def _failed(error: PsiError) -> Probed:
    return Probed(str(error), reachable=not isinstance(error, Unreachable))


def _service_fields(probed: Probed | None, reply: Reply | None) -> dict[str, Any] | None:
    return None if probed is None else {"reachable": probed.reachable, **_fields(reply)}


def _fields(reply: Reply | None) -> dict[str, Any]:
    return {} if reply is None else reply_fields(reply)


def _cache_fields(cache: CacheStatusReply) -> dict[str, Any]:
    fields = reply_fields(cache)
    del fields["verified"]
    return fields
