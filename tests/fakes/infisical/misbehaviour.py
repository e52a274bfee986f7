"""What each kind of fault does to one request and its connection."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.infisical.api import answer
from tests.fakes.infisical.canned import CANNED
from tests.fakes.infisical.connection import Connection, ConnectionGoneError
from tests.fakes.infisical.messages import Request, Response
from tests.fakes.infisical.requestlog import Entry
from tests.fakes.infisical.state import State

_MIB = 1_048_576


class Misbehaviour:
    """One fault on one request."""

    def __init__(
        self,
        fault: dict[str, Any],
        request: Request,
        connection: Connection,
        state: State,
        entry: Entry,
    ) -> None:
        self._fault = fault
        self._request = request
        self._connection = connection
        self._state = state
        self._entry = entry
        self._cleared = state.faults.cleared
        entry.fault = fault["kind"]

    async def perform(self) -> None:
        """Do it.

        Raises:
            ConnectionGoneError: when the connection is of no more use.

        """
        made = CANNED.get(self._fault["kind"])
        if made is not None:
            await self._send(made(self._fault, self._request))
            return
        act: Callable[[], Awaitable[None]] = getattr(self, f"_{self._fault['kind']}")
        await act()

    def _answer(self) -> Response:
        response = answer(self._request, self._state)
        self._entry.status = response.status
        return response

    async def _send(self, response: Response) -> None:
        self._entry.status = response.status
        await self._connection.write(response.encode())

    async def _reset(self) -> None:
        self._connection.reset()
        raise ConnectionGoneError

    async def _hang_before_headers(self) -> None:
        await self._connection.wait_for(self._cleared)
        await self._end()

    async def _hang_in_body(self) -> None:
        response = self._answer()
        body = response.body
        await self._connection.write(response.head() + body[: self._cut(body)])
        await self._connection.wait_for(self._cleared)
        await self._end()

    async def _cut_body(self) -> None:
        response = self._answer()
        body = response.body
        await self._connection.write(response.head() + body[: self._cut(body)])
        await self._end()

    def _cut(self, body: bytes) -> int:
        """Return how many bytes of a body are sent: `after`, or half of it."""
        return int(self._fault.get("after", len(body) // 2))

    async def _end(self) -> None:
        await self._connection.close()
        raise ConnectionGoneError

    async def _drip(self) -> None:
        data = self._answer().encode()
        interval = float(self._fault.get("interval", 0.1))
        for index in range(len(data)):
            await self._connection.write(data[index : index + 1])
            if not self._cleared.is_set():
                await self._connection.wait_for(self._cleared, interval)

    async def _delay(self) -> None:
        await self._connection.wait_for(self._cleared, float(self._fault["seconds"]))
        await self._send(self._answer())

    async def _hold(self) -> None:
        rules = self._state.faults
        rules.held += 1
        try:
            await self._connection.wait_for(rules.released)
        finally:
            rules.held -= 1
        await self._send(self._answer())

    async def _huge(self) -> None:
        """Send a JSON string of `mib` MiB, never held in memory whole."""
        size = int(self._fault.get("mib", 8)) * _MIB
        head = Response(200, b"", {"content-type": "application/json; charset=utf-8"})
        self._entry.status = 200
        await self._connection.write(head.head(size + 2) + b'"')
        for _ in range(size // _MIB):
            await self._connection.write(b"x" * _MIB)
        await self._connection.write(b'"')

    async def _gzip_bomb(self) -> None:
        """Send gzip that unpacks to a JSON string of `mib` MiB."""
        packed = await asyncio.to_thread(_bomb, int(self._fault.get("mib", 64)))
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        await self._send(Response(200, packed, headers))


def _bomb(mib: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    parts = [packer.compress(b'"'), *(packer.compress(b"x" * _MIB) for _ in range(mib))]
    return b"".join([*parts, packer.compress(b'"'), packer.flush()])
