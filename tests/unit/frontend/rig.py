"""A real frontend process in front of the scriptable broker."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.broker_stub.stub import BrokerStub
from tests.fakes.launcher import ServiceProcess, listening
from tests.unit.frontend.exchange import ask

ID = "0123456789abcdef012345678"
VALUE = ID.upper().encode()
"""What the stub answers for ID."""


def secret_id(number: int) -> str:
    """Return the id of a number."""
    return f"{number:025x}"


@dataclass
class Rig:
    """A frontend and its broker."""

    http: Path
    frontend: ServiceProcess
    stub: BrokerStub

    def metric(self, name: str) -> float:
        """Return a value of /metrics without labels."""
        text = ask(self.http, "GET", "/metrics").body.decode()
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name))

    def descriptors(self) -> int:
        """Return how many descriptors the frontend holds."""
        return len(os.listdir(f"/proc/{self.frontend.pid}/fd"))  # noqa: PTH208  # only a count


@contextmanager
def running(root: Path, limits: dict[str, float] | None = None) -> Iterator[Rig]:
    """Run both; the stub obeys until its script is replaced."""
    http = root / "run/psi/psi.sock"
    listener = listening(http)
    stub = BrokerStub(root / "run/psi-ipc/broker-frontend/sock")
    frontend = ServiceProcess("frontend", root, {"http": listener}, limits=limits)
    with listener, stub, frontend:
        yield Rig(http, frontend, stub)
