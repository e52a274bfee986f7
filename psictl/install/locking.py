"""One installer at a time, and root where the host itself is changed."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from psi.shared.errors import PsiError, Temporary
from psictl.install.places import Places


def check_root(places: Places) -> None:
    """Raise PsiError unless this may change the host; below another root it need not be root."""
    if places.is_host and os.geteuid() != 0:
        raise PsiError("run psictl install as root; nothing was changed")


@contextmanager
def locked(places: Places) -> Iterator[None]:
    """Hold the programs' folder, made where it is missing, against a second installer.

    The kernel lets go when the process ends, however it does. Raises Temporary.
    """
    places.home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(places.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Temporary("another psictl install is at work; try again when it ended") from None
        yield
    finally:
        os.close(descriptor)
