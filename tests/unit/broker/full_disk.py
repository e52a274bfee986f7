"""A state folder on a disk of its own that is full, then read-only, then well again.

Run inside a private mount namespace (unshare(1)); prints one JSON object of what happened.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from psi.broker.mapping import Coordinate
from psi.broker.mapping_store import MappingStore
from psi.shared.errors import Refusal
from psi.shared.log import Log
from psi.shared.processes import Process

_ENOUGH = 200
"""Files of one page each: far more than the disk holds."""


async def _try(work: object) -> str:
    assert asyncio.iscoroutine(work)
    try:
        await work
    except Refusal as refusal:
        return f"{refusal.code}: {refusal.detail}"
    return "stored"


async def scene(folder: Path) -> dict[str, object]:
    """Fill the disk, free a place, and take the right to write away and give it back."""
    _mount("-t", "tmpfs", "-o", "size=128k", "none", folder)
    store = MappingStore(folder, 1000, Log(Process.BROKER))
    stored = 0
    while stored < _ENOUGH:
        full = await _try(store.store(f"{stored:025x}", Coordinate("p", "/", "K")))
        if full != "stored":
            break
        stored += 1
    names = _names(folder)
    await store.delete(f"{0:025x}")
    freed = await _try(store.store(f"{stored:025x}", Coordinate("p", "/", "K")))
    await store.delete(f"{1:025x}")
    _mount("-o", "remount,ro", folder)
    read_only = await _try(store.store(f"{5000:025x}", Coordinate("p", "/", "K")))
    kept = await _try(store.delete(f"{2:025x}"))
    _mount("-o", "remount,rw", folder)
    again = MappingStore(folder, 1000, Log(Process.BROKER))
    again.load()
    return {
        "stored": stored,
        "full": full,
        "only whole files": names == [f"{number:025x}" for number in range(stored)],
        "known after full": store.get(f"{stored + 1:025x}") is not None,
        "freed": freed,
        "read-only store": read_only,
        "read-only delete": kept,
        "still known": store.get(f"{2:025x}") is not None,
        "after a restart": len(again),
        "bad after a restart": again.bad,
    }


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _mount(*words: object) -> None:
    subprocess.run(["mount", *map(str, words)], check=True)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(scene(Path(sys.argv[1])))))  # noqa: T201  # the test reads it
