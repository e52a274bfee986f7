"""dev's side of the line on which ``psictl --root DIR apply`` asks for a reload."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

import msgspec

from psi.shared.errors import PsiError
from psi.shared.peer import peer_of
from psictl.apply.development import REQUEST, Reloaded
from psictl.dev.sockets import listen
from psictl.layout import Layout

REQUEST_SECONDS = 10
"""To send one word."""

Reload = Callable[[], Awaitable[Reloaded]]


async def serve_control(layout: Layout, reload: Reload) -> asyncio.Server:
    """Listen for reload requests of our own uid and root; the caller closes the server."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _answer(reader, writer, reload)
        except (OSError, PsiError) as error:
            sys.stderr.write(f"psictl dev: a request to reload failed: {error}\n")
        finally:
            writer.close()

    made = listen(layout.development_socket, 0o600)
    return await asyncio.start_unix_server(answer, sock=made)


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reload: Reload
) -> None:
    if peer_of(writer.get_extra_info("socket")).uid not in {0, os.geteuid()}:
        return
    async with asyncio.timeout(REQUEST_SECONDS):
        request = await reader.read(len(REQUEST))
    if request == REQUEST:
        writer.write(msgspec.json.encode(await reload()) + b"\n")
        await writer.drain()
