"""The store of mappings: create-only, bounded, and careful with what it finds."""

import asyncio
import logging
import stat
from pathlib import Path

import pytest

from psi.broker.mapping import Coordinate, encode_mapping
from psi.broker.mapping_store import MappingStore
from psi.shared.errors import ConfigError, Refusal
from psi.shared.log import Log
from psi.shared.messages.broker import BrokerError
from psi.shared.processes import Process
from tests.unit.broker.waiting import run

ID, OTHER = "0" * 25, "1" * 25
HOST, PORT = Coordinate("p", "/a", "HOST"), Coordinate("p", "/a", "PORT")


def opened(folder: Path, maximum: int = 10) -> MappingStore:
    """Return a loaded store; call it with a loop running."""
    store = MappingStore(folder, maximum, Log(Process.BROKER))
    store.load()
    return store


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def refusal_of(store: MappingStore, secret_id: str, coordinate: Coordinate) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await store.store(secret_id, coordinate)
    return refused.value


def test_what_is_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    async def scene() -> None:
        store = opened(tmp_path)
        await store.store(ID, HOST)
        assert store.get(ID) == opened(tmp_path).get(ID) == HOST
        assert stat.S_IMODE((tmp_path / ID).stat().st_mode) == 0o600

    run(scene())


def test_other_content_for_a_known_id_is_a_conflict(tmp_path: Path) -> None:
    async def scene() -> None:
        store = opened(tmp_path)
        await store.store(ID, HOST)
        refused = await refusal_of(store, ID, PORT)
        assert refused.code == BrokerError.CONFLICT
        assert store.get(ID) == opened(tmp_path).get(ID) == HOST

    run(scene())


def test_equal_content_for_a_known_id_is_accepted(tmp_path: Path) -> None:
    async def scene() -> None:
        store = opened(tmp_path)
        await store.store(ID, HOST)
        written = (tmp_path / ID).stat().st_mtime_ns
        await store.store(ID, HOST)
        assert (tmp_path / ID).stat().st_mtime_ns == written

    run(scene())


def test_of_two_stores_at_once_one_wins_and_memory_agrees_with_the_disk(tmp_path: Path) -> None:
    async def scene() -> None:
        store = opened(tmp_path)
        results = await asyncio.gather(
            store.store(ID, HOST), store.store(ID, PORT), return_exceptions=True
        )
        assert [isinstance(result, Refusal) for result in results].count(True) == 1
        assert store.get(ID) == opened(tmp_path).get(ID)

    run(scene())


def test_the_last_place_is_given_and_the_next_refused(tmp_path: Path) -> None:
    async def scene() -> None:
        store = opened(tmp_path, maximum=2)
        await store.store("a" * 25, HOST)
        await store.store("b" * 25, HOST)
        refused = await refusal_of(store, "c" * 25, HOST)
        assert refused.code == BrokerError.FULL
        assert "2 mappings are stored" in refused.detail
        await store.store("a" * 25, HOST)  # known, so it needs no place
        await store.delete("a" * 25)
        await store.store("c" * 25, HOST)

    run(scene())


def test_a_delete_is_on_disk_and_a_second_one_is_no_error(tmp_path: Path) -> None:
    async def scene() -> None:
        store = opened(tmp_path)
        await store.store(ID, HOST)
        assert await store.delete(ID)
        assert names_in(tmp_path) == set()
        assert store.get(ID) is None
        assert not await store.delete(ID)

    run(scene())


def test_after_a_delete_the_id_may_have_other_content(tmp_path: Path) -> None:
    async def scene() -> None:
        store = opened(tmp_path)
        await store.store(ID, HOST)
        await store.delete(ID)
        await store.store(ID, PORT)
        assert store.get(ID) == PORT

    run(scene())


DAMAGED = {
    "empty": b"",
    "cut": encode_mapping(HOST)[:-3],
    "binary": bytes(range(256)),
    "another form": b'{"name": "x"}',
    "larger than any mapping": encode_mapping(HOST) + b" " * 20_000,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_reported_and_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    async def scene() -> None:
        (tmp_path / ID).write_bytes(content)
        (tmp_path / OTHER).write_bytes(encode_mapping(PORT))
        with caplog.at_level(logging.WARNING):
            store = opened(tmp_path)
        assert (len(store), store.bad, store.get(OTHER)) == (1, 1, PORT)
        assert (tmp_path / ID).read_bytes() == content
        assert caplog.messages == ["mapping.unreadable"]
        refused = await refusal_of(store, ID, HOST)
        assert refused.code == BrokerError.CONFLICT
        assert (tmp_path / ID).read_bytes() == content

    run(scene())


def test_a_damaged_file_goes_by_a_delete_alone(tmp_path: Path) -> None:
    async def scene() -> None:
        (tmp_path / ID).write_bytes(b"damaged")
        store = opened(tmp_path)
        assert await store.delete(ID)
        assert store.bad == 0
        await store.store(ID, HOST)

    run(scene())


def test_a_planted_link_is_reported_and_not_followed(tmp_path: Path) -> None:
    async def scene() -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "target").write_bytes(encode_mapping(HOST))
        folder = tmp_path / "state"
        folder.mkdir()
        (folder / ID).symlink_to(outside / "target")
        store = opened(folder)
        assert (len(store), store.bad) == (0, 1)
        assert (await refusal_of(store, ID, PORT)).code == BrokerError.CONFLICT
        assert await store.delete(ID)
        assert (outside / "target").exists()

    run(scene())


FOREIGN = ("README", ".token.0123456789ab.json", "sealed", "0" * 24, "0" * 26, "A" * 25)


def test_files_of_other_names_are_left_alone(tmp_path: Path) -> None:
    async def scene() -> None:
        for name in FOREIGN:
            (tmp_path / name).write_bytes(b"x")
        store = opened(tmp_path)
        assert (len(store), store.bad) == (0, 0)
        assert names_in(tmp_path) == set(FOREIGN)

    run(scene())


def test_a_folder_in_a_mappings_place_is_reported(tmp_path: Path) -> None:
    async def scene() -> None:
        (tmp_path / ID).mkdir()
        store = opened(tmp_path)
        assert store.bad == 1
        with pytest.raises(Refusal, match="cannot be written: Is a directory"):
            await store.delete(ID)

    run(scene())


def test_without_its_folder_it_does_not_start(tmp_path: Path) -> None:
    async def scene() -> None:
        with pytest.raises(ConfigError, match="No such file or directory; create it"):
            opened(tmp_path / "missing")

    run(scene())


def test_entries_are_ordered_by_id(tmp_path: Path) -> None:
    async def scene() -> None:
        store = opened(tmp_path)
        for letter in "cab":
            await store.store(letter * 25, HOST)
        assert [name[0] for name, _ in store.entries()] == ["a", "b", "c"]

    run(scene())
