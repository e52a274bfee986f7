"""A server's refusal as the error, and so the exit code, that a person gets."""

from typing import Final

from psi.shared.errors import ProtocolError, PsiError, Refusal, Temporary
from psi.shared.limits import REASON_CHARACTERS
from psi.shared.messages.base import Refused
from psi.shared.messages.broker import BrokerError
from psi.shared.messages.pki import PkiError
from psi.shared.messages.sealer import SealerError
from psi.shared.names import printable
from psi.shared.routes import Route

_TEMPORARY: Final[frozenset[str]] = frozenset(
    {
        BrokerError.LIMITED,
        BrokerError.UNREACHABLE,
        BrokerError.DRAINING,
        SealerError.DEVICE_UNAVAILABLE,
        SealerError.DEVICE_BUSY,
        SealerError.DEVICE_RESET,
        SealerError.DEVICE_TIMEOUT,
        SealerError.DRAINING,
        PkiError.DRAINING,
    }
)
_UNKNOWN: Final[frozenset[str]] = frozenset(
    {BrokerError.UNKNOWN_NAME, BrokerError.UNKNOWN_ID, SealerError.UNKNOWN_SLOT}
)


class UnknownName(Refusal):
    """The command line names a workload, project, id or slot that there is not."""

    exit_code = 2


def refusal_of(answer: Refused, route: Route) -> PsiError:
    """Return the error for a refusal; a code that the route's row lacks is a ProtocolError."""
    if answer.code not in route.errors:
        return ProtocolError(
            f"the {route.server} refused with a code it may not use here: {answer.code}"
        )
    detail = printable(answer.detail, REASON_CHARACTERS) or f"the {route.server} says {answer.code}"
    if answer.code in _TEMPORARY:
        return Temporary(detail)
    if answer.code in _UNKNOWN:
        return UnknownName(answer.code, detail)
    return Refusal(answer.code, detail)
