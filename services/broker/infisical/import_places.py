"""Finds the folder of a tree whose import brings a secret.

A recursive listing has the imports of all folders below, without saying whose they are
(recorded), and a secret can be read only through the folder that imports it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from psi.broker.infisical.listing import Entry

ListOne = Callable[[str], Awaitable[Iterable[Entry]]]
"""Lists one folder, not what is below it."""
_UNPLACED = "an import in a folder below brings it; name that folder as a source of its own"


async def place_imports(
    folder: str, direct: list[Entry], imported: list[Entry], list_one: ListOne
) -> list[Entry]:
    """Return imported secrets at the folders that import them.

    The listed folder is asked first, mostly enough; then those below it that have secrets of
    their own. What an otherwise empty folder imports comes back with a problem. Raises what
    ``list_one`` does.
    """
    placed = _among({entry.key for entry in imported}, await list_one(folder))
    left = {entry.key for entry in imported} - {entry.key for entry in placed}
    below = sorted({entry.path for entry in direct} - {folder}) if left else []
    for entries in await asyncio.gather(*(list_one(path) for path in below)):
        placed += _among(left, entries)
    found = {entry.key for entry in placed}
    return placed + [
        Entry(entry.key, folder, None, _UNPLACED) for entry in imported if entry.key not in found
    ]


def _among(keys: set[str], entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.key in keys]
