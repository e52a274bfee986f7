"""The one error tree: a message of these may be shown to a person, and nothing else may.

Each class carries the exit code that a command ends with when it is not handled.
"""

import msgspec

from psi.shared.text import ascii_line

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding hostile bytes raises: msgspec's own error and two that it lets through, for text
that is no UTF-8 and for nesting without end (msgspec 0.22 tried)."""


class PsiError(Exception):
    """A failure whose text names its cause and remedy and holds no secret."""

    exit_code = 1


class ConfigError(PsiError):
    """The configuration, a name or a command line is wrong; nothing was changed."""

    exit_code = 2


class InvalidName(ConfigError):
    """A name from outside does not have the form that its kind requires."""


class Unreachable(PsiError):
    """A service, its socket or Podman cannot be reached."""

    exit_code = 4


class Temporary(PsiError):
    """Infisical or a device does not answer now; the same call may succeed later."""

    exit_code = 5


class ProtocolError(PsiError):
    """A peer broke the protocol: it is logged once, the connection is closed, nothing explained."""


class Refusal(PsiError):
    """A legitimate request that is refused: code and detail cross the socket.

    The detail becomes one line of ASCII, as the message's type demands.
    """

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = ascii_line(detail)
        super().__init__(self.detail)


class InvariantError(PsiError):
    """Something that cannot be is: the process ends non-zero rather than go on."""
