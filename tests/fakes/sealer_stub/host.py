"""Sealer, broker, frontend and the stand-in Infisical, each a process, on one folder as a host.

The sealer is the real one with its software backend; the test passes every descriptor, so each
process is stopped, killed and started by itself.
"""

import asyncio
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Self, TypeVar

import msgspec

from psi.shared.client import Pool
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Refused, Reply, Request
from psi.shared.messages.broker import (
    Lookup,
    LookupReply,
)
from psi.shared.messages.broker_cache import (
    CacheStatus,
    CacheStatusReply,
)
from psi.shared.messages.sealer import Provision, ProvisionReply, SealerStatus, SealerStatusReply
from psi.shared.processes import Process
from psi.shared.projection import (
    BrokerProjection,
    Infisical,
    Project,
    SealerProjection,
    Source,
    UniversalAuth,
    WorkloadConfig,
)
from psi.shared.secret import SecretBytes, decode_hook
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed
from tests.fakes.launcher import ServiceProcess, listening

CLIENT_ID = "7b6a3c52-9d0e-4b71-8c55-2f1f8f0c1a11"
CLIENT_SECRET = "canary-client-secret-of-these-tests"
PROJECT_ID = "3f2b8c1e-5a47-4f0e-9b6d-0c9a7e4d2b10"
CALL_SECONDS = 30
T = TypeVar("T")
PATHS = {
    "sealer": {"broker": "run/psi-ipc/sealer-broker/sock", "ctl": "run/psi-ctl/sealer.sock"},
    "broker": {
        "frontend": "run/psi-ipc/broker-frontend/sock",
        "pki": "run/psi-ipc/broker-pki/sock",
        "ctl": "run/psi-ctl/broker.sock",
    },
    "frontend": {"http": "run/psi/psi.sock"},
}


class Loud(ServiceProcess):
    """A service that logs at DEBUG."""

    variables: Mapping[str, str] = {}
    """More environment, such as what an emulated token needs."""

    def environment(self, notify: Path) -> dict[str, str]:
        return {**super().environment(notify), "PSI_LOG_LEVEL": "debug", **self.variables}


class Device(NamedTuple):
    """What the sealer keeps its key in."""

    cache: Literal["software", "tpm", "hsm"] = "software"
    sealer: Mapping[str, Any] = MappingProxyType({"backend": "software"})
    """Fields of its projection."""
    environment: Mapping[str, str] = MappingProxyType({})


def secret_id(number: int) -> str:
    return f"{number:025x}"


def mapping(key: str, path: str = "/myapp") -> bytes:
    return json.dumps({"project": "myproject", "path": path, "key": key}).encode()


def seed(values: dict[str, str], path: str = "/myapp") -> Seed:
    """Return a seed with these values in one folder of ``prod``."""
    project = ProjectSeed(PROJECT_ID, "myproject")
    for key, value in values.items():
        project.secret("prod", path, key, value)
    return Seed([IdentitySeed(CLIENT_ID, CLIENT_SECRET, role="viewer")], [project])


class Host:
    """The four, and what a test does with them."""

    def __init__(
        self,
        root: Path,
        secrets: Seed,
        limits: dict[str, float],
        fields: dict[str, Any],
        device: Device,
    ) -> None:
        self._device = device
        self.root = root
        self.infisical = StandIn(secrets)
        self.sockets = {
            name: {role: listening(root / path) for role, path in paths.items()}
            for name, paths in PATHS.items()
        }
        self.state = root / "state"
        self.state.mkdir()
        self.sealed = root / "sealer"
        self.sealed.mkdir(mode=0o700)
        self._limits = limits
        self._fields = fields

    def __enter__(self) -> Self:
        """Start Infisical and make the services, none of which runs yet."""
        self.infisical.start()
        facts = {"generation": 1, "config_sha256": "ab" * 32, "state_dir": str(self.sealed)}
        sealer = msgspec.convert(
            facts | dict(self._device.sealer), SealerProjection, dec_hook=decode_hook
        )
        self.sealer = self._service("sealer", sealer)
        self.sealer.variables = self._device.environment
        (self.sealer.credentials / "host-secret").write_bytes(b"h" * 32)
        self.broker = self._service("broker", self._projection())
        self.frontend = self._service("frontend", None)
        return self

    def __exit__(self, *exc: object) -> None:
        for service in (self.frontend, self.broker, self.sealer):
            service.kill()
        if self.infisical._process is not None:
            self.infisical.kill()
        self.infisical._folder.cleanup()
        for sockets in self.sockets.values():
            for listener in sockets.values():
                listener.close()

    def _service(self, name: str, projection: Any) -> Loud:
        return Loud(name, self.root, self.sockets[name], limits=self._limits, projection=projection)

    def _projection(self) -> BrokerProjection:
        auth = UniversalAuth(client_id=CLIENT_ID, client_secret=SecretBytes(CLIENT_SECRET.encode()))
        projects = {"myproject": Project(id=PROJECT_ID, environment="prod")}
        source = Source(project="myproject", path="/", recursive=True)
        given: dict[str, Any] = {
            "generation": 1,
            "config_sha256": "ab" * 32,
            "state_dir": str(self.state),
            "cache": self._device.cache,
            "infisical": Infisical(api_url=self.infisical.url, auth=auth, projects=projects),
            "workloads": {"myapp": WorkloadConfig(unit="myapp.container", sources=[source])},
        }
        return BrokerProjection(**given | self._fields)

    @property
    def http(self) -> Path:
        return self.root / PATHS["frontend"]["http"]

    def start(self, *, recovery: bool = False) -> SecretBytes | None:
        """Start all services, the sealer first, which gets a key where it has none.

        Returns the recovery key, where one was asked for and made.
        """
        self.sealer.start()
        printed = None
        if not (self.sealed / "keyslots").exists():
            (reply,) = self.ask("sealer", Provision(recovery=recovery))
            assert isinstance(reply, ProvisionReply), reply
            printed = reply.recovery_key
        self.broker.start()
        self.frontend.start()
        return printed

    def stop(self) -> None:
        """Stop all services as systemd does: callers first."""
        for service in (self.frontend, self.broker, self.sealer):
            assert service.stop() == 0, service.text()

    def map(self, number: int, key: str, path: str = "/myapp") -> str:
        """Write a mapping where the broker finds it at its next start; return its id."""
        (self.state / secret_id(number)).write_bytes(mapping(key, path))
        return secret_id(number)

    def ask(self, server: str, *requests: Request, role: str = "ctl") -> list[Reply]:
        """Send requests on one connection, in turn; raises PsiError."""
        caller = {"ctl": Process.CTL, "frontend": Process.FRONTEND, "broker": Process.BROKER}[role]
        path = str(self.root / PATHS[server][role])
        return asyncio.run(_ask(path, caller, Process(server), requests))

    def look_up(self, ids: Iterable[str]) -> list[bytes | Refused]:
        """Ask the broker as the frontend does."""
        requests = [Lookup(secret_id=each, claimed_uid=0, claimed_pid=1) for each in ids]
        replies = self.ask("broker", *requests, role="frontend")
        return [r.value.reveal() if isinstance(r, LookupReply) else _refused(r) for r in replies]

    def cache(self, *, verify: bool = False) -> CacheStatusReply:
        (reply,) = self.ask("broker", CacheStatus(verify=verify))
        assert isinstance(reply, CacheStatusReply), reply
        return reply

    def device(self) -> SealerStatusReply:
        (reply,) = self.ask("sealer", SealerStatus())
        assert isinstance(reply, SealerStatusReply), reply
        return reply

    def written(self) -> CacheStatusReply:
        """Wait until everything is on disk."""
        return wait_for(self.cache, lambda status: not status.pending and status.writes > 0)


async def _ask(
    path: str, caller: Process, server: Process, requests: tuple[Request, ...]
) -> list[Reply]:
    pool = Pool(path, caller, server, 1, Limits(), Log(caller))
    try:
        return [await pool.call(_numbered(pool, each), CALL_SECONDS) for each in requests]
    finally:
        pool.close()


def _numbered(pool: Pool, request: Request) -> Request:
    request_id = pool.next_id()
    fields = {name: getattr(request, name) for name in request.__struct_fields__ if name != "id"}
    return type(request)(**fields, id=request_id)


def _refused(reply: Reply) -> Refused:
    assert isinstance(reply, Refused), reply
    return reply


def wait_for(look: Callable[[], T], fits: Callable[[T], object], seconds: float = 30) -> T:
    """Look until what is seen fits; raises AssertionError at the deadline."""
    deadline = time.monotonic() + seconds
    while not fits(seen := look()):
        assert time.monotonic() < deadline, seen
    return seen


@contextmanager
def host(
    secrets: Seed,
    *,
    limits: dict[str, float] | None = None,
    device: Device | None = None,
    **fields: Any,
) -> Iterator[Host]:
    """Give a host on a short folder; ``fields`` are those of the broker's projection."""
    root = Path(tempfile.mkdtemp(prefix="psi-", dir="/tmp"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        yield stack.enter_context(Host(root, secrets, limits or {}, fields, device or Device()))


def in_files(folder: Path, needle: bytes) -> list[str]:
    """Return the files below a folder that hold these bytes."""
    found = []
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where) / name
            if path.is_file() and needle in path.read_bytes():
                found.append(str(path.relative_to(folder)))
    return found
