"""A server that answers something else: an error, one line in the log, and another connection."""

import logging
from pathlib import Path

import pytest

from psi.shared.errors import PsiError, Unreachable
from psi.shared.framing import PROTOCOL, WRONG_PROTOCOL, pack
from psi.shared.limits import REPLY_FRAME_BYTES
from psi.shared.messages.base import Done, Message, Reply
from psi.shared.messages.broker import LookupReply, Ping, Pong
from psi.shared.secret import SecretBytes
from tests.unit.shared.loops import Run, until
from tests.unit.shared.scripted_server import Conversation, ping, pool_of, scripted
from tests.unit.shared.wire import encode, frame

WRONG: dict[str, Message | bytes] = {
    "another id": Pong(id=8),
    "another type": Done(id=7),
    "a value nobody asked for": LookupReply(id=7, value=SecretBytes(b"x")),
    "a request": Ping(id=7),
    "no MessagePack": pack(b"\xc1"),
    "no UTF-8": frame(Pong(id=7)).replace(b"Pong", b"\xff\xff\xff\xff"),
    "endless nesting": pack(b"\x81\xa1a" + b"\x91" * 20_000 + b"\x01"),
    "an empty frame": bytes([PROTOCOL, 0, 0, 0, 0]),
    "a frame above the cap": bytes([PROTOCOL]) + (REPLY_FRAME_BYTES + 1).to_bytes(4),
    "another protocol": b"\x02\x00\x00\x00\x01x",
    "HTTP": b"HTTP/1.1 200 OK\r\n\r\n",
    "the fixed byte and more": WRONG_PROTOCOL + b"x",
    "a field too many": pack(encode(Pong(id=7)).replace(b"\x82", b"\x83", 1) + b"\xa1x\x01"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_reply_is_an_error_and_ends_its_connection(
    what: str, run: Run, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        answer = WRONG[what]
        said = answer if isinstance(answer, bytes) else frame(answer)

        async def wrong_at_first(conversation: Conversation) -> None:
            request = await conversation.request()
            await conversation.say(Pong(id=request.id) if conversation.number else said)
            await conversation.until_closed()

        async with scripted(path, wrong_at_first) as server:
            pool = pool_of(path, maximum=1)
            with pytest.raises(Unreachable, match="the broker broke the protocol; see the log"):
                await pool.call(Ping(id=7), 15)
            await until(lambda: not server.open)
            assert await pool.call(Ping(id=9), 15) == Pong(id=9)
            assert server.accepted == 2
            pool.close()

    run(scenario())
    (record,) = [each for each in caplog.records if each.getMessage() == "server.closed"]
    assert record.levelno == logging.WARNING


def test_a_reply_that_nobody_asked_for_ends_its_connection(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async def talkative(conversation: Conversation) -> None:
            request = await conversation.request()
            await conversation.say(Pong(id=request.id))
            if conversation.number == 0:
                await conversation.say(Pong(id=request.id + 1))
            await conversation.until_closed()

        async with scripted(path, talkative) as server:
            pool = pool_of(path)
            assert await ping(pool) == Pong(id=1)
            await until(lambda: not server.open)
            assert await ping(pool) == Pong(id=2)
            assert server.accepted == 2
            pool.close()

    run(scenario())


def test_two_replies_in_one_write_answer_one_call(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async def twice(conversation: Conversation) -> None:
            request = await conversation.request()
            await conversation.say(frame(Pong(id=request.id)) * 2)
            await conversation.until_closed()

        async with scripted(path, twice) as server:
            pool = pool_of(path, maximum=1)
            results: list[Reply | PsiError] = []
            for number in (1, 2):
                pool.submit(Ping(id=number), results.append)
            await until(lambda: len(results) == 2)
            assert results[0] == Pong(id=1)
            assert isinstance(results[1], Unreachable)
            await until(lambda: not server.open)

    run(scenario())
