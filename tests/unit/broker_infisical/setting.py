"""What the tests of the Infisical client share: a seed, a clock, a client, what may be said."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from psi.broker.infisical.client import InfisicalClient
from psi.broker.infisical.outcome import UpstreamError
from psi.shared.errors import ConfigError
from psi.shared.limits import Limits
from psi.shared.projection import Infisical, Project, UniversalAuth
from psi.shared.secret import SecretBytes
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed

CLIENT_ID = "7b6a3c52-9d0e-4b71-8c55-2f1f8f0c1a11"
CLIENT_SECRET = "the-client-secret-of-these-tests"
PROJECT_ID = "3f2b8c1e-5a47-4f0e-9b6d-0c9a7e4d2b10"
LOGIN = "/api/v1/auth/universal-auth/login"
RENEW = "/api/v1/auth/token/renew"
REVOKE = "/api/v1/auth/token/revoke"
LIST = "/api/v4/secrets$"
SECRETS = "/api/v4/secrets"
DAY = 86_400

# Long enough for a loaded machine; tests of deadlines set their own.
PATIENT = Limits(upstream_seconds=20, upstream_connect_seconds=20, retry_delay_seconds=0.001)
SHORT = msgspec.structs.replace(PATIENT, upstream_seconds=0.4)
"""Only for what cannot succeed: a loaded machine may need longer for what can."""

T = TypeVar("T")


def seed(*, ttl: int = 30 * DAY, max_ttl: int = 30 * DAY) -> Seed:
    """Return one identity and one project with the plainest secrets."""
    project = ProjectSeed(PROJECT_ID, "myproject").secrets_at("prod", "/app", KEY="value")
    return Seed([IdentitySeed(CLIENT_ID, CLIENT_SECRET, ttl=ttl, max_ttl=max_ttl)], [project])


class HandClock:
    """Clocks that tests move by hand."""

    def __init__(self) -> None:
        self.boot_now = 1000.0
        self.wall_now = time.time()

    def boot(self) -> float:
        return self.boot_now

    def wall(self) -> float:
        return self.wall_now

    def advance(self, seconds: float) -> None:
        self.boot_now += seconds
        self.wall_now += seconds


def config(url: str, secret: str = CLIENT_SECRET, **fields: Any) -> Infisical:
    """Return a configuration of one global identity and the project ``myproject``."""
    auth = UniversalAuth(client_id=CLIENT_ID, client_secret=SecretBytes(secret.encode()))
    projects = {"myproject": Project(id=PROJECT_ID, environment="prod")}
    base = Infisical(api_url=url, auth=auth, projects=projects)
    return msgspec.structs.replace(base, **fields)


def no_credential(name: str) -> SecretBytes:
    raise ConfigError(f"credential {name} is not there; set it with psictl credential set")


@dataclass
class Setting:
    """A state folder, a clock and limits, from which clients are opened: two are a restart."""

    folder: Path
    clock: HandClock = field(default_factory=HandClock)
    limits: Limits = PATIENT
    credentials: Callable[[str], SecretBytes] = no_credential

    @contextlib.asynccontextmanager
    async def client(self, provider: Infisical) -> AsyncIterator[InfisicalClient]:
        client = InfisicalClient(
            provider,
            state_dir=self.folder,
            credentials=self.credentials,
            limits=self.limits,
            clock=self.clock,
        )
        try:
            yield client
        finally:
            await client.close()

    def token_files(self) -> list[Path]:
        return sorted(self.folder.glob(".token.*.json"))

    def refusal_files(self) -> list[Path]:
        return sorted(self.folder.glob(".refused.*.json"))


async def get_key(client: InfisicalClient) -> bytes:
    """Return the plainest secret's value."""
    return (await client.get_secret("myproject", None, "/app", "KEY")).reveal()


async def failure_of(work: Coroutine[Any, Any, object]) -> UpstreamError:
    """Await what must fail; return the error, whose text must be fit for a header."""
    try:
        await work
    except UpstreamError as error:
        assert_fit(error)
        return error
    raise AssertionError("it did not fail")


async def failure_with(setting: Setting, provider: Infisical) -> UpstreamError:
    """Return what the plainest request fails with, which status must show too."""
    async with setting.client(provider) as client:
        error = await failure_of(get_key(client))
        assert client.health.error == error.detail
        return error


def assert_fit(error: UpstreamError) -> None:
    """One line of 1 to 200 printable ASCII characters, without a secret."""
    text = str(error)
    assert 1 <= len(text) <= 200, text
    assert text.isascii(), text
    assert text.isprintable(), text
    assert CLIENT_SECRET not in text
    assert "eyJ" not in text, "a token"


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a test's coroutine, never longer than a minute."""

    async def bounded() -> T:
        async with asyncio.timeout(60):
            return await work

    return asyncio.run(bounded())
