"""The file on the disk: links, folders and what is too large are told; nothing is deleted."""

import os
import socket
from pathlib import Path

import pytest

from psi.broker.cache_file import CacheFile, read_whole
from psi.broker.cache_payload import MAX_FILE_BYTES
from psi.broker.envelope import DamagedEnvelope


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def open_descriptors() -> int:
    return len(names_in(Path("/proc/self/fd")))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = CacheFile(tmp_path)
    file.write(b"first")
    file.write(b"second")
    assert file.read() == b"second"
    assert file.size() == 6
    assert (tmp_path / "cache.enc").stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == ["cache.enc"]


def test_no_file_is_no_fault(tmp_path: Path) -> None:
    file = CacheFile(tmp_path)
    assert (file.read(), file.size(), file.kept()) == (None, 0, [])


def plant_link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def plant_folder(path: Path) -> None:
    path.mkdir()


def plant_pipe(path: Path) -> None:
    os.mkfifo(path)


def plant_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("plant", [plant_link, plant_folder, plant_pipe, plant_socket])
def test_what_is_no_regular_file_is_damage_and_leaks_no_descriptor(
    folder: Path, plant: object
) -> None:
    assert callable(plant)
    plant(folder / "cache.enc")
    before = open_descriptors()
    with pytest.raises(DamagedEnvelope, match="a link, no regular file, or too large"):
        CacheFile(folder).read()
    assert open_descriptors() == before


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert read_whole(tmp_path / "x", 5) == b"12345"
    with pytest.raises(DamagedEnvelope):
        read_whole(tmp_path / "x", 4)


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    class Sized(bytes):
        def __len__(self) -> int:
            return MAX_FILE_BYTES + 1

    with pytest.raises(OSError, match="larger than what would be read again"):
        CacheFile(tmp_path).write(Sized())
    assert names_in(tmp_path) == []


def test_a_link_is_replaced_and_its_target_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    (tmp_path / "cache.enc").symlink_to(target)
    CacheFile(tmp_path).write(b"new")
    assert target.read_bytes() == b"precious"
    assert not (tmp_path / "cache.enc").is_symlink()


def test_what_is_set_aside_keeps_its_bytes_and_never_meets_another(tmp_path: Path) -> None:
    file = CacheFile(tmp_path)
    for number in range(20):
        file.write(b"%d" % number)
        name = file.set_aside()
        assert name.startswith("cache.enc.unreadable-2")
        assert (tmp_path / name).read_bytes() == b"%d" % number
    assert len(list(tmp_path.glob("cache.enc.unreadable-*"))) == 20
    assert len(file.kept()) == 16, "status shows so many"


def test_what_is_discarded_is_renamed_and_not_deleted(tmp_path: Path) -> None:
    file = CacheFile(tmp_path)
    file.write(b"old")
    file.set_aside()
    file.write(b"current")
    file.discard_kept()
    assert file.kept() == []
    (discarded,) = tmp_path.glob("cache.enc.discarded-*")
    assert discarded.read_bytes() == b"old"
    assert file.read() == b"current"


def test_only_the_named_file_is_forgotten(tmp_path: Path) -> None:
    file = CacheFile(tmp_path)
    file.write(b"old")
    name = file.set_aside()
    file.write(b"current")
    file.forget(name)
    assert names_in(tmp_path) == ["cache.enc"]
