"""One GET on a Unix socket, the reply as it came."""

import socket
from pathlib import Path

TIMEOUT_SECONDS = 10


def get(path: Path, target: str) -> bytes:
    """Return the whole reply, up to the server's close."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_SECONDS)
        connection.connect(str(path))
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)
