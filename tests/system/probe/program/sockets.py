"""Attempts at sockets: who may make, reach and bind what."""

import socket

TIMEOUT_SECONDS = 1.5
"""For an address that drops what it gets; one that answers does so in a millisecond."""


def connect(path: str) -> str:
    """Connect to a Unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT_SECONDS)
        client.connect(path)
    return "connected"


def connect_abstract(name: str) -> str:
    """Connect to a Unix socket that has no path: it is the network namespace that has it."""
    return connect(f"\0{name}")


def family(name: str, kind: str) -> str:
    """Make a socket of an address family and a kind, as Python names both."""
    socket.socket(getattr(socket, name), getattr(socket, kind)).close()
    return "made"


def reach(address: str, port: int) -> str:
    """Connect to an address by TCP."""
    socket.create_connection((address, port), TIMEOUT_SECONDS).close()
    return "connected"


def send_udp(address: str, port: int) -> str:
    """Send to an address by UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"probe", (address, port))
    return "sent"


def bind(address: str, port: int) -> str:
    """Bind a TCP port."""
    with socket.socket(socket.AF_INET) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
    return "bound"


VERBS = {
    "connect": connect,
    "abstract": connect_abstract,
    "family": family,
    "reach": reach,
    "udp": send_udp,
    "bind": bind,
}
