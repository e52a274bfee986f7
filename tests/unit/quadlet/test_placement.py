"""Files put in place by a folder's descriptor: links are not followed, nothing is half done."""

import os
from pathlib import Path

import pytest

from psi.shared.errors import ConfigError, PsiError
from psictl.quadlet.placement import open_folder, place, read, remove


def test_folders_are_made_and_the_file_is_whole(tmp_path: Path) -> None:
    with open_folder(tmp_path, "a", "b") as folder:
        assert place(folder, "file", b"content", 0o600)
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"content"
    assert (tmp_path / "a" / "b" / "file").stat().st_mode & 0o777 == 0o600


def test_the_same_content_is_not_written_again(tmp_path: Path) -> None:
    with open_folder(tmp_path) as folder:
        place(folder, "file", b"content")
        before = (tmp_path / "file").stat().st_ino
        assert place(folder, "file", b"content") is False
    assert (tmp_path / "file").stat().st_ino == before


def test_other_content_replaces_the_file_by_a_new_one(tmp_path: Path) -> None:
    with open_folder(tmp_path) as folder:
        place(folder, "file", b"old")
        before = (tmp_path / "file").stat().st_ino
        with (tmp_path / "file").open("rb") as reader:
            assert place(folder, "file", b"new")
            assert reader.read() == b"old"
    assert (tmp_path / "file").stat().st_ino != before
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_among_the_folders_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a").symlink_to("elsewhere")
    with pytest.raises(ConfigError, match="/a is a link or a file"), open_folder(tmp_path, "a"):
        pass
    with pytest.raises(ConfigError, match="/a is a link"), open_folder(tmp_path, "a", "b"):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_among_the_folders_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(ConfigError, match="/a is a link or a file"), open_folder(tmp_path, "a"):
        pass


def test_a_root_reached_by_a_link_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to("real")
    with open_folder(tmp_path / "root", "a") as folder:
        place(folder, "file", b"x")
    assert (tmp_path / "real" / "a" / "file").exists()


def test_a_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PsiError, match="is not there"), open_folder(tmp_path / "none", "a"):
        pass


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_file_is_left_in_its_place(tmp_path: Path, kind: str) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched")
    target = tmp_path / "file"
    if kind == "link":
        target.symlink_to(victim)
    elif kind == "fifo":
        os.mkfifo(target)
    else:
        target.mkdir()
    with open_folder(tmp_path) as folder, pytest.raises(ConfigError, match="file is in the way"):
        place(folder, "file", b"x")
    assert victim.read_bytes() == b"untouched"


def test_a_file_over_the_cap_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1024 * 1024 + 1))
    with open_folder(tmp_path) as folder, pytest.raises(ConfigError, match="over 1 MiB"):
        read(folder, "file")


def test_a_file_of_the_cap_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1024 * 1024))
    with open_folder(tmp_path) as folder:
        assert read(folder, "file") == bytes(1024 * 1024)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    name = "f" * 240  # with the temporary name's own letters it is over the system's 255
    with open_folder(tmp_path) as folder, pytest.raises(PsiError, match="cannot be written"):
        place(folder, name, b"new")
    assert list(tmp_path.iterdir()) == []


def test_removing_tells_whether_there_was_a_file(tmp_path: Path) -> None:
    with open_folder(tmp_path) as folder:
        place(folder, "file", b"x")
        assert remove(folder, "file") is True
        assert remove(folder, "file") is False
