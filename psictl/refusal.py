"""A server's refusal as the error, and so the exit code, that a person gets."""

from typing import Final

from psi.shared.errors import ProtocolError, PsiError, Refusal, Temporary
from psi.shared.limits import REASON_CHARACTERS
from psi.shared.messages.base import Refused
from psi.shared.messages.broker import BrokerError
from psi.shared.names import printable
from psi.shared.routes import Route

_TEMPORARY: Final = frozenset({BrokerError.LIMITED, BrokerError.UNREACHABLE, BrokerError.DRAINING})


class UnknownName(Refusal):
    """The broker's configuration has no workload or project of that name."""

    exit_code = 2


def refusal_of(answer: Refused, route: Route) -> PsiError:
    """Return the error for a refusal; a code that the route's row lacks is a ProtocolError."""
    if answer.code not in route.errors:
        return ProtocolError(f"the broker refused with a code it may not use here: {answer.code}")
    detail = printable(answer.detail, REASON_CHARACTERS) or f"the broker says {answer.code}"
    if answer.code in _TEMPORARY:
        return Temporary(detail)
    if answer.code == BrokerError.UNKNOWN_NAME:
        return UnknownName(answer.code, detail)
    return Refusal(answer.code, detail)
