"""What root's psictl may ask."""

from collections.abc import Coroutine
from typing import Any, assert_never

from psi.pki.status import StatusReport
from psi.shared.messages.base import Reply
from psi.shared.messages.pki import PkiStatus
from psi.shared.peer import Peer

ControlRequest = PkiStatus


class ControlHandler:
    """Answers root's psictl."""

    def __init__(self, status: StatusReport) -> None:
        self._status = status

    def __call__(self, request: ControlRequest, peer: Peer) -> Coroutine[Any, Any, Reply]:
        """Answer once the broker has been asked for a sign of life."""
        del peer  # the endpoint has checked it
        match request:
            case PkiStatus():
                return self._status.report(request)
            case _:
                assert_never(request)
