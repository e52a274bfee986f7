"""The keyslot file on disk: whole or untouched, and nobody else's."""

import os
from pathlib import Path

import pytest

from psi.sealer.device_error import DeviceError
from psi.sealer.keyslot_file import KeyslotFile
from psi.sealer.keyslot_store import NAME, KeyslotStore
from psi.shared.messages.sealer import SealerError
from tests.unit.sealer.full_disk import full_disk
from tests.unit.sealer.samples import keys, keyslot_file, slots


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir(mode=0o700)
    return tmp_path / "state"


def refused(store: KeyslotStore, words: str) -> None:
    with pytest.raises(DeviceError, match=words) as caught:
        store.load()
    assert caught.value.code is SealerError.CORRUPT


def test_none_then_created_then_read(folder: Path) -> None:
    store = KeyslotStore(folder)
    assert store.load() is None
    assert not store.exists()
    store.create(keyslot_file())
    loaded = store.load()
    assert loaded is not None
    assert loaded.slots == slots()
    assert (folder / NAME).stat().st_mode & 0o777 == 0o600


def test_create_does_not_overwrite(folder: Path) -> None:
    (folder / NAME).write_bytes(b"damaged, and perhaps recoverable")
    with pytest.raises(DeviceError) as caught:
        KeyslotStore(folder).create(keyslot_file())
    assert caught.value.code is SealerError.PROVISIONED
    assert (folder / NAME).read_bytes() == b"damaged, and perhaps recoverable"


def test_force_keeps_what_it_replaces(folder: Path) -> None:
    (folder / NAME).write_bytes(b"old")
    store = KeyslotStore(folder, clock=lambda: 1_700_000_000.4)
    assert store.keep_copy() == "keyslots.replaced-1700000000"
    store.replace(keyslot_file())
    assert (folder / "keyslots.replaced-1700000000").read_bytes() == b"old"
    assert (folder / NAME).read_bytes() == keyslot_file().data


def test_there_is_nothing_to_keep_the_first_time(folder: Path) -> None:
    assert KeyslotStore(folder).keep_copy() is None


def test_a_full_disk_leaves_the_old_file(folder: Path) -> None:
    store = KeyslotStore(folder)
    store.create(keyslot_file())
    before = (folder / NAME).read_bytes()
    one = KeyslotFile.build(keys(), slots()[:1])
    with full_disk(), pytest.raises(DeviceError, match="nothing was changed") as caught:
        store.replace(one)
    assert caught.value.code is SealerError.FULL
    assert (folder / NAME).read_bytes() == before
    assert [path.name for path in folder.iterdir()] == [NAME]
    store.replace(one)
    assert (folder / NAME).read_bytes() == one.data


def test_a_full_disk_refuses_the_first_file(folder: Path) -> None:
    with full_disk(), pytest.raises(DeviceError) as caught:
        KeyslotStore(folder).create(keyslot_file())
    assert caught.value.code is SealerError.FULL
    assert list(folder.iterdir()) == []


def test_what_a_kill_left_is_swept(folder: Path) -> None:
    (folder / ".keyslots.0a0b0c0d.tmp").write_bytes(b"half")
    assert KeyslotStore(folder).load() is None
    assert list(folder.iterdir()) == []


def test_a_damaged_file_is_refused(folder: Path) -> None:
    store = KeyslotStore(folder)
    store.create(keyslot_file())
    os.truncate(folder / NAME, 100)
    refused(store, "keyslot file is damaged|has 100 bytes")


def test_a_file_that_others_may_read_is_refused(folder: Path) -> None:
    store = KeyslotStore(folder)
    store.create(keyslot_file())
    (folder / NAME).chmod(0o640)
    refused(store, "mode is 0640")


def test_a_folder_that_others_may_enter_is_refused(folder: Path) -> None:
    folder.chmod(0o755)
    refused(KeyslotStore(folder), "mode is 0755")


def test_a_missing_folder_is_refused(folder: Path) -> None:
    refused(KeyslotStore(folder / "gone"), "No such folder")


def test_a_folder_of_another_owner_is_refused(folder: Path) -> None:
    refused(KeyslotStore(folder, owner=lambda: 12345), f"belongs to uid {os.geteuid()}")


def test_a_file_of_another_owner_is_refused(folder: Path) -> None:
    KeyslotStore(folder).create(keyslot_file())
    owners = iter([os.geteuid(), 12345])  # the folder is looked at first
    refused(KeyslotStore(folder, owner=lambda: next(owners)), f"belongs to uid {os.geteuid()}")


def test_a_link_is_not_followed(folder: Path) -> None:
    (folder / "elsewhere").write_bytes(keyslot_file().data)
    (folder / NAME).symlink_to("elsewhere")
    refused(KeyslotStore(folder), "Too many levels of symbolic links")


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / NAME, 0o600)
    refused(KeyslotStore(folder), "no regular file")
