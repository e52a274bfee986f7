"""What pki may ask: whether the broker answers; no secret has a name on its socket."""

from typing import assert_never

from psi.shared.messages.base import Reply
from psi.shared.messages.broker import Ping, Pong
from psi.shared.peer import Peer

PkiRequest = Ping


class PkiHandler:
    """Answers pki, which may be compromised."""

    def __call__(self, request: PkiRequest, peer: Peer) -> Reply:
        """Answer at once."""
        del peer  # the endpoint has checked it
        match request:
            case Ping():
                return Pong(id=request.id)
            case _:
                assert_never(request)
