"""Reads what a login proves itself with: from the configuration, a credential or a file."""

import os
import stat
from collections.abc import Callable

from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.shared.errors import PsiError
from psi.shared.limits import KIB
from psi.shared.projection import SecretSource
from psi.shared.secret import SecretBytes
from psi.shared.text import ascii_line

SECRET_BYTES = 64 * KIB
"""A JWT has a few KiB, a certificate chain with its key some 20."""


class SecretReader:
    """Gives a source's present content, without the line end that a file may have."""

    def __init__(self, credentials: Callable[[str], SecretBytes]) -> None:
        self._credentials = credentials

    def read(self, source: SecretSource, field: str) -> SecretBytes:
        """Return text of 1 to SECRET_BYTES bytes; ``field`` names it in an error.

        Files and credentials are read anew each time. Raises UpstreamError (refused): what is
        not there was not refused by Infisical, so no latch remembers it.
        """
        if source.value is not None:
            return source.value
        if source.file is not None:
            shown = f"{field}_file {ascii_line(source.file, 80)}"
            return _text(_content(source.file, shown), shown, "write the file anew")
        return self._credential(source.credential or "", field)

    def _credential(self, name: str, field: str) -> SecretBytes:
        shown = f"credential {name or field}"
        try:
            data = self._credentials(name).reveal()
        except PsiError as error:
            raise UpstreamError(Kind.REFUSED, str(error)) from error
        return _text(data, shown, "set it anew with psictl credential set")


def _text(data: bytes, shown: str, remedy: str) -> SecretBytes:
    text = data.rstrip(b"\r\n")
    try:
        text.decode()
    except UnicodeDecodeError:
        raise UpstreamError(Kind.REFUSED, f"{shown} is not text; {remedy}") from None
    if not text or len(text) > SECRET_BYTES or b"\0" in text:
        cause = f"{shown} holds no text of 1 to {SECRET_BYTES} bytes"
        raise UpstreamError(Kind.REFUSED, f"{cause}; {remedy}")
    return SecretBytes(text)


def _content(path: str, shown: str) -> bytes:
    """Return at most one byte more than is taken.

    Links are followed: Kubernetes publishes its tokens through them, so that a new one appears
    at once and whole.
    """
    remedy = "make it a file that the user psi-broker can read, outside /home, /root and /tmp"
    try:
        # O_NONBLOCK: a FIFO in the file's place must not hold the broker for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UpstreamError(Kind.REFUSED, f"{shown} is no regular file; {remedy}")
            return file.read(SECRET_BYTES + 1)
    except OSError as error:
        raise UpstreamError(Kind.REFUSED, f"{shown}: {error.strerror}; {remedy}") from None
