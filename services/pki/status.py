"""pki's own account of how it is."""

from collections.abc import Callable

from psi.pki.broker_link import BrokerLink
from psi.shared import __version__
from psi.shared.messages.base import Reply
from psi.shared.messages.pki import PkiStatus, PkiStatusReply
from psi.shared.text import ascii_line


class StatusReport:
    """Gathers what is known, and asks the broker whether it answers."""

    def __init__(self, broker: BrokerLink, protocol_errors: Callable[[], int]) -> None:
        self._broker = broker
        self._protocol_errors = protocol_errors

    async def report(self, request: PkiStatus) -> Reply:
        """Return the state now; a broker that is silent costs ``ping_seconds``."""
        trouble = await self._broker.trouble()
        return PkiStatusReply(
            id=request.id,
            version=__version__,
            protocol_errors=self._protocol_errors(),
            broker_answers=not trouble,
            detail=ascii_line(trouble),
        )
