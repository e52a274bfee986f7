"""ENOSPC and a read-only state folder, on a real small disk."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def happened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("disk")
    private = ["unshare", "--mount"]
    if os.getuid() != 0:
        private.append("--map-root-user")
    ended = subprocess.run(
        [*private, sys.executable, "-m", "tests.unit.broker.full_disk", str(folder)],
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def test_a_full_disk_refuses_with_its_cause_and_remedy(happened: dict[str, Any]) -> None:
    assert happened["stored"] > 3
    assert happened["full"] == (
        "full: the state folder cannot be written: No space left on device; see df and its owner"
    )


def test_a_full_disk_leaves_only_whole_files(happened: dict[str, Any]) -> None:
    assert happened["only whole files"]
    assert not happened["known after full"]


def test_a_freed_place_is_used(happened: dict[str, Any]) -> None:
    assert happened["freed"] == "stored"


def test_a_read_only_folder_refuses_stores_with_the_cause(happened: dict[str, Any]) -> None:
    assert "Read-only file system" in happened["read-only store"]


def test_a_read_only_folder_keeps_what_cannot_be_removed(happened: dict[str, Any]) -> None:
    assert "Read-only file system" in happened["read-only delete"]
    assert happened["still known"]


def test_after_a_restart_all_that_was_stored_is_there(happened: dict[str, Any]) -> None:
    assert happened["after a restart"] == happened["stored"] - 1
    assert happened["bad after a restart"] == 0
