"""Files that are whole or absent, and only ever the broker's own."""

import os
import stat
from pathlib import Path

import pytest

from psi.shared.atomic_file import (
    create_file,
    read_file,
    remove_file,
    replace_file,
    sweep_temporaries,
)


def test_a_created_file_has_its_content_and_is_the_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_file(tmp_path, "name", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "name").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "name").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["name"]


def test_a_taken_name_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "name").write_bytes(b"other")
    with pytest.raises(FileExistsError):
        create_file(tmp_path, "name", b"content")
    assert (tmp_path / "name").read_bytes() == b"other"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("target", ["elsewhere", "missing"])
def test_a_planted_link_is_refused_and_not_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "elsewhere").write_bytes(b"other")
    (tmp_path / "name").symlink_to(tmp_path / target)
    with pytest.raises(FileExistsError):
        create_file(tmp_path, "name", b"content")
    assert (tmp_path / "elsewhere").read_bytes() == b"other"
    assert not (tmp_path / "missing").exists()


def test_replacing_takes_the_place_of_a_file(tmp_path: Path) -> None:
    replace_file(tmp_path, "name", b"old")
    replace_file(tmp_path, "name", b"new")
    assert (tmp_path / "name").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "name").stat().st_mode) == 0o600


def test_replacing_takes_the_place_of_a_link_and_not_of_its_target(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"other")
    (tmp_path / "name").symlink_to(tmp_path / "elsewhere")
    replace_file(tmp_path, "name", b"new")
    assert (tmp_path / "elsewhere").read_bytes() == b"other"
    assert not (tmp_path / "name").is_symlink()


def test_removing_tells_whether_there_was_a_file(tmp_path: Path) -> None:
    create_file(tmp_path, "name", b"content")
    assert remove_file(tmp_path, "name")
    assert not remove_file(tmp_path, "name")


@pytest.mark.parametrize("action", [create_file, replace_file])
def test_a_missing_folder_is_an_error(tmp_path: Path, action: object) -> None:
    assert callable(action)
    with pytest.raises(FileNotFoundError):
        action(tmp_path / "missing", "name", b"content")


def test_a_regular_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "name").write_bytes(b"content")
    assert read_file(tmp_path, "name", 100) == b"content"
    assert read_file(tmp_path, "name", 3) == b"con"


def test_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"other")
    (tmp_path / "name").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        read_file(tmp_path, "name", 100)


def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "name")
    with pytest.raises(OSError, match="not a regular file"):
        read_file(tmp_path, "name", 100)


def test_a_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "name").mkdir()
    with pytest.raises(IsADirectoryError):
        read_file(tmp_path, "name", 100)


OWN = (".name.0123abcd.tmp", ".token.abc.json.deadbeef.tmp")
FOREIGN = ("name", ".name", ".name.tmp", "name.0123abcd.tmp", ".name.0123abcg.tmp", ".tmp")


def test_only_own_leftovers_are_swept(tmp_path: Path) -> None:
    for name in (*OWN, *FOREIGN):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".folder.0123abcd.tmp").mkdir()
    sweep_temporaries(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*FOREIGN, ".folder.0123abcd.tmp"}
