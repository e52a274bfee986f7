"""The listening server: one task for each connection, requests one after another on it."""

import asyncio
import ssl
from typing import NoReturn

from tests.fakes.infisical.api import answer
from tests.fakes.infisical.call import client_id_of
from tests.fakes.infisical.connection import Connection, ConnectionGoneError
from tests.fakes.infisical.control import PREFIX, control
from tests.fakes.infisical.messages import Request
from tests.fakes.infisical.misbehaviour import Misbehaviour
from tests.fakes.infisical.request_reader import read_request
from tests.fakes.infisical.routes import find
from tests.fakes.infisical.state import State

BACKLOG = 1024  # connections; more than any test opens at once


class StandInServer:
    """Serves one state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Start to listen; return the port."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: Connection(self._start), host, port, ssl=tls, backlog=BACKLOG
        )
        return int(self._listener.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._listener is not None:
            self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, connection: Connection) -> None:
        task = asyncio.create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: Connection) -> None:
        try:
            await self._answer_all(connection)
        except ConnectionGoneError:
            pass
        finally:
            connection.transport.close()

    async def _answer_all(self, connection: Connection) -> NoReturn:
        while True:
            request = await read_request(connection)
            if request.path.startswith(PREFIX):
                await connection.write(control(request, self._state).encode())
            else:
                await self._answer(request, connection)
            if request.headers.get("connection", "").lower() == "close":
                raise ConnectionGoneError

    async def _answer(self, request: Request, connection: Connection) -> None:
        state = self._state
        found = find(request.method, request.path)
        route = found[0].name if found is not None else None
        client = client_id_of(request, state)
        entry = state.log.begin(request, state.clock.now(), client, route)
        fault = state.faults.take(request, client)
        if fault is not None:
            await Misbehaviour(fault, request, connection, state, entry).perform()
            return
        response = answer(request, state)
        entry.status = response.status
        await connection.write(response.encode())
        if response.headers.get("connection") == "close":
            raise ConnectionGoneError
