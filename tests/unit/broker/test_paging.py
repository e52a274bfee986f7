"""Lists in pages: nothing is lost, nothing is kept for ever."""

import asyncio

import msgspec
import pytest

from psi.broker.paging import Pages, page_at
from psi.shared.errors import Refusal
from psi.shared.limits import Limits
from psi.shared.messages.broker import BrokerError
from tests.unit.broker.waiting import run

SIZE = 64


def pages(**limits: float) -> Pages[int]:
    return Pages(msgspec.structs.replace(Limits(), **limits))


def walk(kept: Pages[int], items: list[int]) -> list[list[int]]:
    """Return all pages."""
    page, following = kept.begin(items, SIZE)
    found = [list(page)]
    while following:
        page, following = kept.follow(following, SIZE)
        found.append(list(page))
    return found


def refused(kept: Pages[int], cursor: int) -> bool:
    with pytest.raises(Refusal) as error:
        kept.follow(cursor, SIZE)
    return error.value.code == BrokerError.STALE_CURSOR


@pytest.mark.parametrize("count", [0, 1, SIZE - 1, SIZE, SIZE + 1, 2 * SIZE, 200, 1000])
def test_all_pages_together_are_the_list(count: int) -> None:
    async def scene() -> None:
        items = list(range(count))
        found = walk(pages(), items)
        assert [item for page in found for item in page] == items
        assert all(len(page) == SIZE for page in found[:-1])
        assert len(found) == max(1, -(-count // SIZE))

    run(scene())


def test_a_cursor_is_stale_after_the_last_page() -> None:
    async def scene() -> None:
        kept = pages()
        _, cursor = kept.begin(list(range(SIZE + 1)), SIZE)
        kept.follow(cursor, SIZE)
        assert refused(kept, cursor)

    run(scene())


@pytest.mark.parametrize("cursor", [1, 64, 999_999, 2_000_064, 2**53 - 1])
def test_an_invented_cursor_is_stale(cursor: int) -> None:
    async def scene() -> None:
        kept = pages()
        kept.begin(list(range(200)), SIZE)
        assert refused(kept, cursor)

    run(scene())


def test_an_offset_behind_the_end_is_stale() -> None:
    async def scene() -> None:
        kept = pages()
        _, cursor = kept.begin(list(range(200)), SIZE)
        assert refused(kept, cursor + 200)

    run(scene())


def test_the_oldest_list_goes_when_there_are_too_many() -> None:
    async def scene() -> None:
        kept = pages(paged_lists=2)
        cursors = [kept.begin(list(range(100)), SIZE)[1] for _ in range(3)]
        assert refused(kept, cursors[0])
        assert [kept.follow(cursor, SIZE)[1] for cursor in cursors[1:]] == [0, 0]

    run(scene())


def test_a_list_expires() -> None:
    async def scene() -> None:
        kept = pages(paging_seconds=0.01)
        _, cursor = kept.begin(list(range(100)), SIZE)
        expired = asyncio.Event()
        asyncio.get_running_loop().call_later(0.02, expired.set)  # behind the list's own timer
        await expired.wait()
        assert refused(kept, cursor)

    run(scene())


@pytest.mark.parametrize("cursor", [0, 64, 128, 192])
def test_a_page_of_a_list_at_hand(cursor: int) -> None:
    page, following = page_at(list(range(200)), cursor, SIZE)
    assert list(page) == list(range(cursor, min(cursor + SIZE, 200)))
    assert following == (cursor + SIZE if cursor < 192 else 0)


@pytest.mark.parametrize("cursor", [200, 2**53 - 1])
def test_a_page_behind_the_end_is_empty_and_the_last(cursor: int) -> None:
    assert page_at(list(range(200)), cursor, SIZE) == ([], 0)
