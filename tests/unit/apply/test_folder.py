"""Folders and links that root alone may change, made whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psictl.apply import folder


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_above_are_made_and_not_for_others_to_change(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with folder.open_private(tmp_path / "a/b/c"), folder.open_public(tmp_path / "a/d"):
            pass
    finally:
        os.umask(before)
    modes = {name: _mode(tmp_path / name) for name in ("a", "a/b", "a/b/c", "a/d")}
    assert modes == {"a": 0o755, "a/b": 0o755, "a/b/c": 0o700, "a/d": 0o755}


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
def test_a_public_folder_may_be_seen_by_fewer(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with folder.open_public(tmp_path) as opened:
        assert folder.names(opened) == []


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
def test_a_public_folder_is_changed_by_no_other(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(PsiError, match="may be changed by others"), folder.open_public(tmp_path):
        pass


def test_a_link_leads_elsewhere_at_once(tmp_path: Path) -> None:
    (tmp_path / ".current-new").symlink_to("left")
    with folder.open_private(tmp_path) as opened:
        assert folder.target_of("current", opened) is None
        folder.point("current", "a", opened)
        folder.point("current", "b", opened)
        assert folder.target_of("current", opened) == "b"
    assert [path.name for path in tmp_path.iterdir()] == ["current"]


def test_a_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    with folder.open_private(tmp_path) as opened:
        folder.replace_file("x", b"one", opened)
        folder.replace_file("x", b"two", opened)
    assert (tmp_path / "x").read_bytes() == b"two"
    assert _mode(tmp_path / "x") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_link_in_a_files_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    (own / "x").symlink_to(victim)
    with folder.open_private(own) as opened:
        folder.replace_file("x", b"new", opened)
    assert victim.read_text() == "precious"
    assert (own / "x").read_bytes() == b"new"


def test_what_cannot_be_moved_leaves_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with folder.open_private(tmp_path) as opened, pytest.raises(OSError, match="directory"):
        folder.replace_file("x", b"new", opened)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
