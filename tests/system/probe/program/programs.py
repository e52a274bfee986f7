"""Attempts at other programs."""

import os
import shutil
import tempfile
from pathlib import Path

TRUE = "/usr/bin/true"
_LOADERS = (("/lib64", "ld-linux-*.so.*"), ("/lib", "ld-linux-*.so.*"))


def execute(*argv: str) -> str:
    """Run a program; its exit code where it could be started.

    By posix_spawn(3): subprocess would make a pipe first, which a filter may refuse.
    """
    child = os.posix_spawn(argv[0], argv, {})
    return f"exit {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}"


def load(program: str) -> str:
    """Run a program by the loader, which is no program that a path alone forbids."""
    found = [path for folder, pattern in _LOADERS for path in Path(folder).glob(pattern)]
    return execute(str(found[0]), program)


def drop(folder: str) -> str:
    """Write a program to a folder and run it."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        copied = Path(shutil.copy(TRUE, Path(place, "dropped")))
        copied.chmod(0o700)
        return execute(str(copied))


VERBS = {"execute": execute, "load": load, "drop": drop}
