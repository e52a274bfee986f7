"""A path to a secret in memory, for libraries that take a file's name and nothing else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from psi.shared.secret import SecretBytes


@contextmanager
def memory_file(content: SecretBytes) -> Iterator[str]:
    """Give a path below /proc that is good inside the block: no disk gets the content.

    Raises OSError where there is no memory or no /proc (memfd_create(2)).
    """
    descriptor = os.memfd_create("psi", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.reveal())
        file.flush()
        yield f"/proc/self/fd/{descriptor}"
