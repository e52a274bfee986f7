"""Every configured identity: whether it can log in, and how its token is."""

from typing import Protocol

from psi.broker.infisical.identity_book import IdentityState, LoginOutcome
from psi.broker.paging import Pages
from psi.shared.limits import PAGE_ITEMS, Limits
from psi.shared.messages.base import LAST_TIMESTAMP, Reply
from psi.shared.messages.broker import IdentityStatus, LoginResult, TestLogin, TestLoginReply


class Logins(Protocol):
    """What the client knows of identities."""

    async def test_logins(self, *, retry: bool) -> list[LoginOutcome]:
        """Log in with each."""
        ...

    def identities(self) -> list[IdentityState]:
        """Return the state of each."""
        ...


class Identities:
    """Turns the client's view into messages."""

    def __init__(self, client: Logins, limits: Limits) -> None:
        self._client = client
        self._pages: Pages[LoginResult] = Pages(limits)

    async def test(self, request: TestLogin) -> Reply:
        """Return a page of results; the first page logs in."""
        if request.cursor:
            page, following = self._pages.follow(request.cursor, PAGE_ITEMS)
        else:
            outcomes = await self._client.test_logins(retry=request.retry)
            page, following = self._pages.begin([_result(o) for o in outcomes], PAGE_ITEMS)
        return TestLoginReply(id=request.id, results=list(page), next=following)

    def states(self) -> list[IdentityStatus]:
        """Return all identities in the configuration's order."""
        return [
            IdentityStatus(
                scope=s.scope,
                method=s.method,
                identity=s.identity,
                state=s.state,
                expires_at=_shown(s.expires_at),
            )
            for s in self._client.identities()
        ]


def _shown(expires_at: float) -> float:
    """Return an end that a message holds: a token without one ends with the last year."""
    return min(expires_at, LAST_TIMESTAMP)


def _result(outcome: LoginOutcome) -> LoginResult:
    return LoginResult(
        scope=outcome.scope,
        method=outcome.method,
        identity=outcome.identity,
        ok=outcome.ok,
        detail=outcome.detail,
        expires_at=_shown(outcome.expires_at),
    )
