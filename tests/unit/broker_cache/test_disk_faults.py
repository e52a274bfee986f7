"""Disks that refuse, for real: full, read-only, somebody else's. Nothing recoverable is lost.

As root the scenarios run in a mount namespace of their own, or as another uid; as another user
in a user namespace, or on files without rights.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.unit.broker_cache.rig import one, run

ROOT = Path(__file__).resolve().parents[3]
IS_ROOT = os.getuid() == 0
NOBODY = 65534
SECONDS = 60


def scenario(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return dict(json.loads(done.stdout))


def mounted(mount: str, name: str, folder: Path) -> dict[str, Any]:
    """Run a scenario after a mount that only it sees."""
    script = f'{mount} && exec "$0" -m tests.unit.broker_cache.disk_main {name} "{folder}"'
    unshare = ["unshare", "--mount", "--propagation", "private"]
    rights = [] if IS_ROOT else ["--map-root-user"]
    return scenario([*unshare, *rights, "/bin/sh", "-c", script, sys.executable])


def unprivileged(name: str, folder: Path) -> dict[str, Any]:
    """Run a scenario without root's rights."""
    command = [sys.executable, "-m", "tests.unit.broker_cache.disk_main", name, str(folder)]
    return scenario([*command, str(NOBODY)] if IS_ROOT else command)


def give(*paths: Path) -> None:
    """Let the unprivileged one own these."""
    for path in paths:
        if IS_ROOT:
            os.chown(path, NOBODY, NOBODY)


def fill(folder: Path) -> bytes:
    async def work() -> bytes:
        async with one(folder) as made:
            made.put("A", "B")
            await made.written()
            return made.file.read_bytes()

    return run(work())


def test_a_full_disk_leaves_the_old_file_whole_and_no_litter(folder: Path) -> None:
    answer = mounted(f"mount -t tmpfs -o size=256k psi {folder}", "fill", folder)
    assert answer["detail"] == "cache.enc cannot be written: No space left on device"
    assert answer["kept"]
    assert answer["files"] == ["cache.enc"]
    assert answer["after"] == ["A"], "what makes it smaller can be written again"


def test_a_disk_with_room_takes_the_same_entries(folder: Path) -> None:
    answer = mounted(f"mount -t tmpfs -o size=64m psi {folder}", "fill", folder)
    assert (answer["detail"], answer["kept"], answer["after"]) == ("", False, ["A"])


def test_a_read_only_folder_refuses_a_removal_and_keeps_the_file(folder: Path) -> None:
    fill(folder)
    mount = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"
    answer = mounted(mount, "remove", folder)
    assert answer["code"] == "full"
    assert "Read-only file system" in answer["detail"]
    assert (answer["disk"], answer["served"]) == (["A", "B"], False)


def test_a_writable_folder_takes_the_removal(folder: Path) -> None:
    fill(folder)
    answer = mounted(f"mount --bind {folder} {folder}", "remove", folder)
    assert (answer["code"], answer["disk"]) == ("", ["B"])


def test_another_owners_file_is_waited_for_and_never_replaced(folder: Path) -> None:
    before = fill(folder)
    file = folder / "cache.enc"
    file.chmod(0o000)
    give(folder)
    assert unprivileged("start", folder) == {
        "detail": "cache.enc cannot be read: Permission denied; see its owner",
        "loaded": False,
        "served": True,
        "kept": 0,
    }
    file.chmod(0o600)
    assert file.read_bytes() == before


def test_its_owner_reads_it(folder: Path) -> None:
    fill(folder)
    give(folder, folder / "cache.enc")
    answer = unprivileged("start", folder)
    assert (answer["loaded"], answer["detail"]) == (True, "")


def test_another_owners_folder_refuses_a_removal_and_loses_nothing(folder: Path) -> None:
    fill(folder)
    give(folder / "cache.enc")
    folder.chmod(0o555)
    answer = unprivileged("remove", folder)
    folder.chmod(0o700)
    assert answer["code"] == "full"
    assert "Permission denied" in answer["detail"]
    assert (answer["disk"], answer["served"]) == (["A", "B"], False)
