"""Runs one scenario on a disk of its own kind, in a private mount namespace or as another uid.

``python -m tests.unit.broker_cache.disk_main SCENARIO FOLDER [UID]`` prints one JSON object.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from psi.shared.errors import Refusal
from tests.fakes.sealer_stub.stub import sealer_stub
from tests.unit.broker_cache.rig import key, names_on_disk, one, rig, run, until, value

BIG = "x" * 40_000
NUMBER = 20


async def fill(folder: Path, socket: Path) -> dict[str, Any]:
    """Add entries until the disk refuses, or all are there; what was whole stays whole."""
    async with one(folder, socket=socket) as made:
        made.put("A")
        await made.written()
        before = made.file.read_bytes()
        for number in range(NUMBER):
            made.memory.put(key(f"BIG_{number}"), value(BIG))
        await until(lambda: made.writer.detail or made.writer.writes > 1)
        detail, kept = made.writer.detail, made.file.read_bytes() == before
        files = made.files()
        await made.keeper.remove([key(f"BIG_{number}") for number in range(NUMBER)])
        after = sorted(await names_on_disk(made))
        return {"detail": detail, "kept": kept, "files": files, "after": after}


async def remove(folder: Path, socket: Path) -> dict[str, Any]:
    """Remove an entry, or be refused."""
    async with one(folder, socket=socket) as made:
        code = detail = ""
        try:
            await made.keeper.remove([key("A")])
        except Refusal as refusal:
            code, detail = refusal.code, refusal.detail
        served = made.memory.get(key("A")) is not None
        disk = sorted(await names_on_disk(made)) if made.file.exists() else []
        return {"code": code, "detail": detail, "disk": disk, "served": served}


async def start(folder: Path, socket: Path) -> dict[str, Any]:
    """Start on the file; a live value comes meanwhile."""
    async with sealer_stub(socket) as stub, rig(folder, stub) as made:
        await made.keeper.settled()
        made.put("C")
        return {
            "detail": made.loader.detail,
            "loaded": made.loader.loaded.is_set(),
            "served": made.memory.get(key("C")) is not None,
            "kept": len(made.kept()),
        }


SCENARIOS: dict[str, Callable[[Path, Path], Coroutine[Any, Any, dict[str, Any]]]] = {
    "fill": fill,
    "remove": remove,
    "start": start,
}


def become(uid: int) -> None:
    """Drop root's rights, after the imports: the interpreter may be in root's own folder."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


if __name__ == "__main__":
    if len(sys.argv) > 3:
        become(int(sys.argv[3]))
    with tempfile.TemporaryDirectory(prefix="psi-", dir="/tmp") as short:
        told = run(SCENARIOS[sys.argv[1]](Path(sys.argv[2]), Path(short) / "sealer.sock"))
    print(json.dumps(told))  # noqa: T201  # its answer
