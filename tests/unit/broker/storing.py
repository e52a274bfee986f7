"""Stores mappings for ever, by the real store: the program that is killed in the midst.

Each acknowledged id is written to stdout, so that the test knows what must be there.
"""

import asyncio
import sys
from pathlib import Path

from psi.broker.mapping import Coordinate
from psi.broker.mapping_store import MappingStore
from psi.shared.log import Log
from psi.shared.processes import Process


async def store_for_ever(folder: Path, first: int) -> None:
    """Store, remove every third, and tell what was acknowledged."""
    store = MappingStore(folder, 1_000_000, Log(Process.BROKER))
    number = first
    while True:
        name = f"{number:025x}"
        await store.store(name, Coordinate("p", "/a" * 500, f"KEY_{number}"))
        print(f"+{name}", flush=True)  # noqa: T201  # the test reads it
        if number % 3 == 0:
            await store.delete(name)
            print(f"-{name}", flush=True)  # noqa: T201  # as above
        number += 1


if __name__ == "__main__":
    asyncio.run(store_for_ever(Path(sys.argv[1]), int(sys.argv[2])))
