"""How ``apply`` tells a development host that its configuration changed: one line each way.

A socket of its own rather than a signal to a pid from a file: a stale pid is somebody else's
process, and the answer says what became of the services.
"""

import socket

import msgspec

from psi.shared.errors import UNDECODABLE, PsiError
from psi.shared.processes import Process
from psictl.layout import Layout

REQUEST = b"reload\n"
MAX_REPLY_BYTES = 64 * 1024
"""A few names and causes."""
WAIT_SECONDS = 300
"""For each of a few services: 10 s to stop, 75 s to get READY."""


class Reloaded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a development host answers."""

    generation: int
    """The one that its services run on."""
    restarted: tuple[Process, ...]
    failed: dict[str, str]
    """Service to cause."""


def reload_development_host(layout: Layout) -> tuple[Process, ...]:
    """Have ``psictl dev`` restart what changed below this root; nothing where none runs.

    Returns the services that it restarted, READY again. Raises PsiError naming each that is not.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(WAIT_SECONDS)
        try:
            connection.connect(str(layout.development_socket))
        except (FileNotFoundError, ConnectionRefusedError):
            return ()
        return _ask(connection)


def _ask(connection: socket.socket) -> tuple[Process, ...]:
    remedy = "the new generation is in force; see what psictl dev logs"
    try:
        connection.sendall(REQUEST)
        with connection.makefile("rb") as file:
            reply = msgspec.json.decode(file.readline(MAX_REPLY_BYTES), type=Reloaded)
    except (OSError, *UNDECODABLE) as error:
        raise PsiError(f"psictl dev did not answer ({type(error).__name__}); {remedy}") from None
    if reply.failed:
        causes = ", ".join(f"{name} {cause}" for name, cause in reply.failed.items())
        raise PsiError(f"{causes}; {remedy}")
    return reply.restarted
