"""pki for tests of psictl: its control socket, answered from a :class:`PkiWorld`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psi.shared.messages.base import Reply
from psi.shared.messages.pki import PkiStatusReply
from psi.shared.processes import Process
from tests.fakes.broker.server import FakeService


@dataclass
class PkiWorld:
    """State that tests fill in."""

    status: dict[str, Any] = field(default_factory=dict)
    """What differs from a healthy one."""

    def answer(self, request: object) -> Reply:
        """Answer as the real pki does."""
        del request  # there is one
        healthy = {"version": "0.1.0", "protocol_errors": 0, "broker_answers": True, "detail": ""}
        return PkiStatusReply(**{**healthy, **self.status})


class FakePki(FakeService):
    """Listens while it is entered."""

    process = Process.PKI

    def __init__(self, path: Path, world: PkiWorld) -> None:
        super().__init__(path, world)
