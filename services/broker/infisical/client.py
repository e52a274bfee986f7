"""The broker's door to Infisical: folders, single secrets, logins."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from psi.broker.infisical.api_generation import ApiGeneration
from psi.broker.infisical.auth_method import AuthMethod
from psi.broker.infisical.clock import Clock, SystemClock
from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.health import Health
from psi.broker.infisical.identity_book import IdentityBook, IdentityState, LoginOutcome
from psi.broker.infisical.latch import Latch
from psi.broker.infisical.listing import Listing
from psi.broker.infisical.outcome import UpstreamError
from psi.broker.infisical.reader import Reader
from psi.broker.infisical.retry import Patience
from psi.broker.infisical.sealing import Sealing
from psi.broker.infisical.secrets_api import SecretsApi
from psi.broker.infisical.token import Tenure
from psi.broker.infisical.token_file import TokenFile
from psi.broker.infisical.token_keeper import TokenKeeper
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.processes import Process
from psi.shared.projection import Infisical
from psi.shared.secret import SecretBytes

CLOSE_SECONDS = 2.0
"""For revoking tokens at shutdown: the drain has 3 s, and systemd kills after 10."""


class InfisicalClient:
    """One Infisical server, with the identities and projects of the configuration.

    Methods raise UpstreamError, or Refusal (unknown-name) for a project that is not configured.
    Neither bounds the whole of a call: logins and repetitions come on top of each exchange's
    own deadline, so callers set theirs. The constructor raises ConfigError.
    """

    def __init__(
        self,
        config: Infisical,
        *,
        state_dir: Path,
        credentials: Callable[[str], SecretBytes],
        limits: Limits,
        clock: Clock | None = None,
        sealing: Sealing | None = None,
    ) -> None:
        self.health = Health()
        self._config = config
        self._state_dir = state_dir
        self._sealing = sealing
        self._log = Log(Process.BROKER)
        clock = clock if clock is not None else SystemClock()
        self._tenure = Tenure(clock, config.token_ttl, limits.token_margin_seconds)
        self._limits, self._clock = limits, clock
        self._exchange = self._open_exchange()
        self._generation = ApiGeneration(clock)
        self._book = IdentityBook(config, credentials, self._make_keeper, self._open_exchange)
        self._reader = self.reader(Patience.of_lookup(limits))

    async def list_folder(
        self, project: str, environment: str | None, path: str, *, recursive: bool
    ) -> Listing:
        """Return a folder's or a tree's secrets; the project's environment unless one is given."""
        return await self._reader.list_folder(project, environment, path, recursive=recursive)

    async def get_secret(
        self, project: str, environment: str | None, path: str, key: str
    ) -> SecretBytes:
        """Return one value: never empty, at most MAX_SECRET_BYTES, else bad-value is raised."""
        return await self._reader.get_secret(project, environment, path, key)

    def reader(self, patience: Patience) -> Reader:
        """Return a way to read with more or less patience than a lookup has."""
        api = SecretsApi(self._exchange, self._generation, patience)
        return Reader(self._config, self._book, api)

    def api(self) -> str:
        """Return the generation of the API that the server was found to speak, for status."""
        return self._generation.shown()

    async def test_logins(self, *, retry: bool) -> list[LoginOutcome]:
        """Log in with every configured identity; ``retry`` tries latched credentials too."""
        keepers = self._book.keepers()
        tried = await asyncio.gather(*(_try_login(keeper, retry=retry) for keeper in keepers))
        results = {id(keeper): result for keeper, result in zip(keepers, tried, strict=True)}
        outcomes = []
        for scope, (method, identity) in self._book.shown().items():
            ok, detail, expires_at = results[id(self._book.scopes[scope])]
            outcomes.append(LoginOutcome(scope, method, identity, ok, detail, expires_at))
        return outcomes

    def identities(self) -> list[IdentityState]:
        """Return every auth configuration's state, the global one first."""
        return [
            IdentityState(scope, *shown, *self._book.scopes[scope].state())
            for scope, shown in self._book.shown().items()
        ]

    def environment_of(self, project: str) -> str:
        """Return the environment configured for a project."""
        return self._reader.project(project).environment

    async def close(self) -> None:
        """Revoke tokens that are not on disk and close connections, within CLOSE_SECONDS."""
        keepers = self._book.keepers()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(*(keeper.close() for keeper in keepers))
        for keeper in keepers:
            keeper.abandon()
        await self._exchange.aclose()

    def _open_exchange(self, tls: ssl.SSLContext | None = None) -> Exchange:
        """Return a way to Infisical of its own; ``tls`` is that of a login by certificate."""
        return Exchange(self._config, self._limits, self.health, self._clock, self._log, tls)

    def _make_keeper(self, method: AuthMethod, slot: str) -> TokenKeeper:
        url, folder = self._config.api_url, self._state_dir
        return TokenKeeper(
            method,
            self._exchange,
            self._tenure,
            Latch(folder, slot, url, self._tenure.clock, self._log),
            TokenFile(folder, slot, url, self._log, self._sealing),
            self._log,
        )


async def _try_login(keeper: TokenKeeper, *, retry: bool) -> tuple[bool, str, float]:
    try:
        token = await keeper.log_in(retry=retry)
    except UpstreamError as error:
        return False, error.detail, 0.0
    return True, "", token.expires_at
