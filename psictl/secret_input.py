"""Reads a secret from stdin, or asks for it without echo: never from argv, which ``ps`` shows."""

import getpass
import sys

from psi.shared.errors import ConfigError
from psi.shared.secret import SecretBytes


def read_secret(prompt: str, cap: int) -> SecretBytes:
    """Return the bytes of stdin to its end, or the line typed at a terminal.

    Nothing is cut off: a newline at the end of stdin belongs to the secret. Raises ConfigError
    where nothing comes, or more than ``cap`` bytes.
    """
    data = _ask(prompt) if sys.stdin.isatty() else sys.stdin.buffer.read(cap + 1)
    if not data:
        raise ConfigError("nothing was given; type it at the prompt, or give it on stdin")
    if len(data) > cap:
        raise ConfigError(f"what was given is longer than {cap} bytes; nothing was changed")
    return SecretBytes(data)


def _ask(prompt: str) -> bytes:
    try:
        return getpass.getpass(prompt).encode("utf-8", "surrogateescape")
    except EOFError:
        return b""
