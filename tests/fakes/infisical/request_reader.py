"""Reads HTTP/1.1 requests from a connection."""

from tests.fakes.infisical.auth_methods_tls import pass_on
from tests.fakes.infisical.connection import Connection, ConnectionGoneError
from tests.fakes.infisical.messages import Request

MAX_HEAD = 65_536  # bytes
BODY_LIMIT = 1_048_576  # bytes; the real server's framework refuses more


async def read_request(connection: Connection) -> Request:
    """Return the next request.

    Raises:
        ConnectionGoneError: at the end, and for what is no HTTP/1.1 request.

    """
    head = (await connection.take_until(b"\r\n\r\n", MAX_HEAD)).decode("latin-1")
    first, *lines = head[:-4].split("\r\n")
    method, _, rest = first.partition(" ")
    target = rest.rpartition(" ")[0]
    if not method or not target.startswith("/"):
        raise ConnectionGoneError
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        await connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    pass_on(headers, connection.certificate)
    body, too_large = await _read_body(connection, headers)
    return Request(method, target, headers, body, connection.peer, too_large)


async def _read_body(connection: Connection, headers: dict[str, str]) -> tuple[bytes, bool]:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(connection)
    try:
        left = int(headers.get("content-length", "0"))
    except ValueError as error:
        raise ConnectionGoneError from error
    if left <= BODY_LIMIT:
        return await connection.take_exactly(left), False
    while left > 0:  # read and forget, so that the client gets to read the refusal
        left -= len(await connection.take_exactly(min(left, BODY_LIMIT)))
    return b"", True


async def _read_chunks(connection: Connection) -> tuple[bytes, bool]:
    body = bytearray()
    too_large = False
    while True:
        line = await connection.take_until(b"\r\n", MAX_HEAD)
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError as error:
            raise ConnectionGoneError from error
        chunk = (await connection.take_exactly(size + 2))[:-2]
        if size == 0:
            return (b"" if too_large else bytes(body)), too_large
        too_large = too_large or len(body) + size > BODY_LIMIT
        body += b"" if too_large else chunk
