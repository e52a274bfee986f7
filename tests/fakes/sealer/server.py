"""A sealer for tests of psictl: its control socket, answered from a :class:`SealerWorld`."""

from pathlib import Path

from psi.shared.processes import Process
from tests.fakes.broker.server import FakeService
from tests.fakes.sealer.world import SealerWorld


class FakeSealer(FakeService):
    """Listens while it is entered."""

    process = Process.SEALER

    def __init__(self, path: Path, world: SealerWorld) -> None:
        super().__init__(path, world)
