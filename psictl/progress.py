"""How far a long command is, drawn on stderr for a person and for nobody else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.text import Text


class Progress(Protocol):
    """Shows what happens now, in place of what was shown before."""

    def __call__(self, text: str, /) -> None:
        """Show a text; it is taken literally, rich's markup does not apply."""
        ...


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Give a Progress that draws where stderr is a terminal, and else does nothing."""
    if not sys.stderr.isatty():
        yield _ignore
        return
    with Console(stderr=True).status(Text("")) as status:
        yield _drawer(status.update)


def _drawer(update: Callable[[Text], None]) -> Progress:
    return lambda text, /: update(Text(text))


def _ignore(_text: str, /) -> None:
    """Draw nothing: a log or a script reads stderr."""
