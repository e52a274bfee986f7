"""Keeps one identity logged in: one login at a time, renewal before login, nothing repeated."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Literal

from psi.broker.infisical.auth_method import AuthMethod
from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.latch import Latch
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.broker.infisical.token import Tenure, Token
from psi.broker.infisical.token_api import renew_token, revoke_token
from psi.broker.infisical.token_file import TokenFile
from psi.shared.log import Log

RELOGIN_SECONDS = 30
"""Between logins that are caused by refused tokens: an identity that lost its organisation gets
tokens that are refused at once, and every lookup would use up one of its logins."""
EARLY_SECONDS = 30
"""After a renewal ahead of time has failed: the token still serves (Infisical CLI, agent.go)."""
LIMITED_SECONDS = 10
"""Before a login that was rate limited without a time is tried again (Infisical CLI, resync)."""

State = Literal["idle", "valid", "refused", "unserved"]


class TokenKeeper:
    """The token of one identity, from its file, a renewal or a login."""

    def __init__(
        self,
        method: AuthMethod,
        exchange: Exchange,
        tenure: Tenure,
        latch: Latch,
        file: TokenFile,
        log: Log,
    ) -> None:
        self.method = method
        self._exchange = exchange
        self._tenure = tenure
        self._latch = latch
        self._file = file
        self._log = log
        self._token: Token | None = None
        self._on_disk = False
        self._recalled = False
        self._flight: asyncio.Task[Token] | None = None
        self._errands: set[asyncio.Task[None]] = set()
        self._unproven: Token | None = None
        self._refused_at: float | None = None
        self._limited_until = 0.0
        self._early_after = 0.0

    async def token(self) -> Token:
        """Return a token that may be used now; raises UpstreamError.

        Callers that come meanwhile share one login, which goes on when one of them is cancelled.
        From two thirds of its use on a token is replaced behind the callers' backs.
        """
        token = self._token
        if token is not None and self._tenure.is_usable(token):
            if self._tenure.is_due(token):
                self._replace_early(token)
            return token
        return await self._join(self._obtain)

    async def log_in(self, *, retry: bool) -> Token:
        """Log in now, in place of the token held; ``retry`` tries a latched credential too."""
        while self._flight is not None:
            await asyncio.wait({self._flight})
        return await self._join(lambda: self._log_in_anew(retry=retry))

    def accept(self, token: Token) -> None:
        """Note that Infisical accepted a token."""
        if token is self._unproven:
            self._unproven = None

    def reject(self, token: Token) -> bool:
        """Drop a token that Infisical refused; tell whether another try makes sense.

        It does not when the token came from a login that a refused token had caused, and was
        never accepted since: then the identity is at fault, not the token.
        """
        if token is not self._token:
            return True
        now = self._tenure.clock.boot()
        recent = self._refused_at is not None and now < self._refused_at + RELOGIN_SECONDS
        if token is self._unproven and recent:
            return False
        self._refused_at = now
        self._token = None
        self._unproven = None
        return True

    def state(self) -> tuple[State, float]:
        """Return how the identity is, and when its token ends (epoch seconds, 0 for none)."""
        if self._token is not None and self._tenure.is_alive(self._token):
            return "valid", self._token.expires_at
        try:
            return ("refused" if self._latch.is_closed(self.method.proof()) else "idle"), 0.0
        except UpstreamError as error:
            return ("unserved" if error.code == "unserved" else "refused"), 0.0

    async def close(self) -> None:
        """Finish what is under way and revoke a token that no file keeps."""
        if self._flight is not None:
            await asyncio.wait({self._flight})
        token, self._token = self._token, None
        if token is not None and not self._on_disk and self._is_ours_to_end(token):
            await self._revoke(token)
        if self._errands:
            await asyncio.wait(self._errands)

    def abandon(self) -> None:
        """Cancel what close could not finish in time."""
        for task in (self._flight, *self._errands):
            if task is not None:
                task.cancel()

    def _replace_early(self, token: Token) -> None:
        if self._flight is None and self._tenure.clock.boot() >= self._early_after:
            self._begin(lambda: self._succeed_early(token))

    def _begin(self, work: Callable[[], Coroutine[Any, Any, Token]]) -> "asyncio.Task[Token]":
        if self._flight is None:
            self._flight = asyncio.create_task(self._fly(work()))
            self._flight.add_done_callback(_mark_seen)
        return self._flight

    async def _join(self, work: Callable[[], Coroutine[Any, Any, Token]]) -> Token:
        flight = self._begin(work)
        try:
            return await asyncio.shield(flight)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if flight.cancelled() and task is not None and not task.cancelling():
                text = "the broker is stopping; ask again when it is back"
                raise UpstreamError(Kind.TRANSPORT, text) from None
            raise

    async def _fly(self, work: Coroutine[Any, Any, Token]) -> Token:
        try:
            return await work
        finally:
            self._flight = None

    async def _recall(self) -> None:
        """Take the token from its file, once: at first use, for the sealer may be late at start."""
        if not self._recalled:
            self._recalled = True
            self._token = await self._file.load(self._tenure)
            self._on_disk = self._token is not None

    async def _log_in_anew(self, *, retry: bool) -> Token:
        await self._recall()  # the login before is ended when this one replaces it
        return await self._log_in(retry=retry)

    async def _obtain(self) -> Token:
        await self._recall()
        old = self._token
        if old is not None and self._tenure.is_usable(old):
            return old
        return await self._succeed(old, early=False)

    async def _succeed_early(self, old: Token) -> Token:
        try:
            return await self._succeed(old, early=True)
        except UpstreamError:
            self._early_after = self._tenure.clock.boot() + EARLY_SECONDS
            raise

    async def _succeed(self, old: Token | None, *, early: bool) -> Token:
        """Return the token after this one: renewed, else of a new login."""
        if old is not None and self._tenure.is_renewable(old):
            renewed = await self._renew(old, early=early)
            if renewed is not None:
                return renewed
        return await self._log_in(retry=False)

    async def _renew(self, old: Token, *, early: bool) -> Token | None:
        """Renew, or return None when a login is needed.

        Raises UpstreamError where a login would fare no better: no connection, rate limit. Ahead
        of time nothing but a refusal is worth a login, of which an identity may have few.
        """
        try:
            wire = await renew_token(self._exchange, old.access)
        except UpstreamError as error:
            away = error.kind is Kind.TRANSPORT and error.status is None
            if away or error.kind is Kind.LIMITED or (early and error.kind is not Kind.REFUSED):
                raise
            self._log.info("renewal-refused", identity=self.method.identity, reason=error.detail)
            return None
        return await self._install(self._tenure.issue(wire, old.family_until))

    async def _log_in(self, *, retry: bool) -> Token:
        proof = self.method.proof()
        if not retry:
            self._latch.check(proof)
            self._check_limited()
        try:
            wire = await self.method.login(self._exchange)
        except UpstreamError as error:
            if error.kind is Kind.LIMITED:
                pause = error.retry_after if error.retry_after is not None else LIMITED_SECONDS
                self._limited_until = self._tenure.clock.boot() + pause
                error.login = True
            if error.kind not in {Kind.REFUSED, Kind.ABSENT}:
                raise
            # A 404 or 403 here speaks of the identity, never of a secret: one kind for all.
            close = partial(self._latch.close, minted=self.method.minted)
            raise await asyncio.to_thread(close, proof, error) from error
        await asyncio.to_thread(self._latch.open)
        return await self._replace(self._tenure.issue(wire))

    def _check_limited(self) -> None:
        left = self._limited_until - self._tenure.clock.boot()
        if left > 0:
            text = f"Infisical's rate limit for logins is reached; tried again in {left:.0f} s"
            error = UpstreamError(Kind.LIMITED, text, status=429)
            error.retry_after = left
            error.login = True
            raise error

    async def _replace(self, token: Token) -> Token:
        """Install a new login's token and end the login before it."""
        old = self._token
        await self._install(token)
        self._unproven = token if self._refused_at is not None else None
        if old is not None and self._is_ours_to_end(old):
            errand = asyncio.create_task(self._revoke(old))
            self._errands.add(errand)
            errand.add_done_callback(self._errands.discard)
        return token

    async def _install(self, token: Token) -> Token:
        """Use a token from now on, and keep it on disk where it may be (r7)."""
        self._token, self._on_disk = token, False
        if self._file.takes(token, self._tenure):
            self._on_disk = await self._file.save(token)
        if not self._on_disk:
            await self._file.remove()
        return token

    def _is_ours_to_end(self, token: Token) -> bool:
        return not self.method.given and self._tenure.is_alive(token)

    async def _revoke(self, token: Token) -> None:
        try:
            await revoke_token(self._exchange, token.access)
        except UpstreamError as error:
            self._log.info("token-not-revoked", identity=self.method.identity, reason=error.detail)


def _mark_seen(task: "asyncio.Task[Token]") -> None:
    """Take note of a failure that every waiter was cancelled for, so that asyncio does not log."""
    if not task.cancelled():
        task.exception()
