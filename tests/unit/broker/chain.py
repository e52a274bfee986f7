"""The whole chain as on a host: frontend, broker, and the stand-in Infisical, each a process."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psi.shared.client import Pool
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Reply, Request
from psi.shared.processes import Process
from psi.shared.projection import (
    BrokerProjection,
    Infisical,
    Project,
    Source,
    UniversalAuth,
    WorkloadConfig,
)
from psi.shared.secret import SecretBytes
from psictl.driver import driver_commands
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed
from tests.fakes.launcher import ServiceProcess, listening
from tests.unit.frontend.exchange import Answer, ask

CLIENT_ID = "7b6a3c52-9d0e-4b71-8c55-2f1f8f0c1a11"
CLIENT_SECRET = "canary-client-secret-of-these-tests"
PROJECT_ID = "3f2b8c1e-5a47-4f0e-9b6d-0c9a7e4d2b10"
CALL_SECONDS = 30
LISTS = "/api/v4/secrets$"
SINGLES = "/api/v4/secrets/"
LOGINS = "/universal-auth/login$"


def seed(**values: Any) -> Seed:
    """Return a seed whose project ``myproject`` holds these in ``/myapp`` of ``prod``."""
    project = ProjectSeed(PROJECT_ID, "myproject").secrets_at("prod", "/myapp", **values)
    return Seed([IdentitySeed(CLIENT_ID, CLIENT_SECRET, role="viewer")], [project])


def workload(*sources: Source, **fields: Any) -> WorkloadConfig:
    """Return a workload with these sources."""
    return WorkloadConfig(unit="myapp.container", sources=list(sources), **fields)


def projection(url: str, state: Path, **fields: Any) -> BrokerProjection:
    """Return a configuration of one identity, one project, and one workload on ``/myapp``."""
    auth = UniversalAuth(client_id=CLIENT_ID, client_secret=SecretBytes(CLIENT_SECRET.encode()))
    projects = {"myproject": Project(id=PROJECT_ID, environment="prod")}
    given: dict[str, Any] = {
        "generation": 7,
        "config_sha256": "ab" * 32,
        "state_dir": str(state),
        "infisical": Infisical(api_url=url, auth=auth, projects=projects),
        "cache": "memory",
        "workloads": {"myapp": workload(Source(project="myproject", path="/myapp"))},
    }
    return BrokerProjection(**given | fields)


def secret_id(number: int) -> str:
    """Return the id of a number."""
    return f"{number:025x}"


def mapping(key: str, path: str = "/myapp", project: str = "myproject") -> bytes:
    """Return a mapping as psictl writes it."""
    return json.dumps({"project": project, "path": path, "key": key}).encode()


@dataclass
class Chain:
    """What runs, and what may be done with it."""

    root: Path
    http: Path
    frontend: ServiceProcess
    broker: ServiceProcess
    infisical: StandIn

    @property
    def state(self) -> Path:
        """The broker's state folder."""
        return self.root / "state"

    def store(self, secret_id: str, payload: bytes) -> Answer:
        """POST a mapping."""
        return ask(self.http, "POST", f"/store/{secret_id}", payload)

    def look_up(self, secret_id: str) -> Answer:
        """GET a value."""
        return ask(self.http, "GET", f"/lookup/{secret_id}")

    def delete(self, secret_id: str) -> Answer:
        """DELETE a mapping."""
        return ask(self.http, "DELETE", f"/delete/{secret_id}")

    def drive(self, verb: str, secret_id: str, payload: bytes = b"") -> "Driven":
        """Run the very driver command, as Podman does."""
        return drive(self.http, verb, secret_id, payload)

    def call(self, *requests: Request) -> list[Reply]:
        """Send requests to the broker's control socket, in turn; raises PsiError."""
        return asyncio.run(self._call(requests))

    async def _call(self, requests: tuple[Request, ...]) -> list[Reply]:
        path = str(self.root / "run/psi-ctl/broker.sock")
        pool = Pool(path, Process.CTL, Process.BROKER, 1, Limits(), Log(Process.CTL))
        try:
            return [await pool.call(request, CALL_SECONDS) for request in requests]
        finally:
            pool.close()

    def logs(self) -> str:
        """Return what both services have written."""
        return self.broker.text() + self.frontend.text()


@dataclass
class Driven:
    """How a driver command ended."""

    code: int
    value: bytes
    said: str


def drive(http: Path, verb: str, secret_id: str, payload: bytes = b"") -> Driven:
    """Run the driver command of a verb with ``sh -c`` and ``SECRET_ID``, as Podman does."""
    ended = subprocess.run(
        ["/bin/sh", "-c", driver_commands(str(http))[verb]],
        env={"PATH": os.environ["PATH"], "SECRET_ID": secret_id},
        input=payload,
        capture_output=True,
        check=False,
    )
    return Driven(ended.returncode, ended.stdout, ended.stderr.decode())


@contextmanager
def running(
    root: Path, secrets: Seed, *, limits: dict[str, float] | None = None, **fields: Any
) -> Iterator[Chain]:
    """Run all three; ``fields`` are those of the projection."""
    with ExitStack() as stack:
        infisical = stack.enter_context(StandIn(secrets))
        (root / "state").mkdir()
        http = root / "run/psi/psi.sock"
        given = projection(infisical.url, root / "state", **fields)
        sockets = {
            "frontend": listening(root / "run/psi-ipc/broker-frontend/sock"),
            "pki": listening(root / "run/psi-ipc/broker-pki/sock"),
            "ctl": listening(root / "run/psi-ctl/broker.sock"),
        }
        front = {"http": listening(http)}
        for listener in (*sockets.values(), *front.values()):
            stack.enter_context(listener)
        broker = ServiceProcess("broker", root, sockets, limits=limits, projection=given)
        frontend = ServiceProcess("frontend", root, front, limits=limits)
        stack.enter_context(broker)
        stack.enter_context(frontend)
        yield Chain(root, http, frontend, broker, infisical)
