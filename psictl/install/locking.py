"""One installer at a time, and root where the host itself is changed."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from psi.shared.errors import PsiError, Temporary
from psictl.install.places import Places


def check_root() -> None:
    """Raise PsiError unless this may change the host."""
    if os.geteuid() != 0:
        raise PsiError("run psictl install as root; nothing was changed")


@contextmanager
def locked(places: Places) -> Iterator[None]:
    """Hold the programs' folder, made where it is missing, against a second installer.

    The kernel lets go when the process ends, however it does. A folder in which nothing was put
    is removed again. Raises Temporary.
    """
    places.home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(places.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy() from None
        if os.fstat(descriptor).st_nlink == 0:
            raise _busy()  # removed by the one who held it until now
        try:
            yield
        finally:
            for folder in (places.versions, places.home):
                with suppress(OSError):
                    folder.rmdir()
    finally:
        os.close(descriptor)


def _busy() -> Temporary:
    return Temporary("another psictl install is at work; try again when it has ended")
