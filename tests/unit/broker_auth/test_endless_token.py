"""A token without an end: what is told of it fits a message."""

import asyncio
import math

import msgspec

from psi.broker.identities import Identities
from psi.broker.infisical.identity_book import IdentityState, LoginOutcome
from psi.shared.limits import Limits
from psi.shared.messages import broker as b


class Endless:
    async def test_logins(self, *, retry: bool) -> list[LoginOutcome]:
        del retry
        return [LoginOutcome("global", "token", "id", ok=True, detail="", expires_at=math.inf)]

    def identities(self) -> list[IdentityState]:
        return [IdentityState("global", "token", "id", "valid", math.inf)]


def test_a_token_without_an_end_fits_its_messages() -> None:
    identities = Identities(Endless(), Limits())
    reply = asyncio.run(identities.test(b.TestLogin()))
    assert isinstance(reply, b.TestLoginReply)
    for item in (reply.results[0], identities.states()[0]):
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(item), type=type(item))
        assert again == item
        assert item.expires_at > 250_000_000_000
