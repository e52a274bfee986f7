"""What psictl can ask pki, and what it answers."""

from enum import StrEnum

from psi.shared.messages.base import Counter, Detail, Reply, Request, ShortText


class PkiError(StrEnum):
    """Why pki refuses."""

    DRAINING = "draining"
    """It is stopping."""
    INTERNAL = "internal"
    """A fault of pki; its log has the cause."""


class PkiStatus(Request, frozen=True):
    """How pki is; it asks the broker for a sign of life meanwhile."""


class PkiStatusReply(Reply, frozen=True):
    """State now, and counters since the start."""

    version: ShortText
    protocol_errors: Counter
    """Connections closed without a reply: they broke the protocol, or may not be made."""
    broker_answers: bool
    """To a Ping, on the socket that is pki's own."""
    detail: Detail
    """Why it does not; empty if it does."""
