"""Lists that go out in pages: made once, kept for the pages that follow the first."""

import asyncio
from collections.abc import Sequence
from typing import Generic, TypeVar

from psi.shared.errors import Refusal
from psi.shared.limits import Limits
from psi.shared.messages.broker import BrokerError

T = TypeVar("T")
_OFFSETS = 1_000_000
"""A cursor is a list's number times this, plus the offset: no list is longer."""


class Pages(Generic[T]):
    """Keeps a bounded number of lists for a bounded time."""

    def __init__(self, limits: Limits) -> None:
        self._seconds = limits.paging_seconds
        self._maximum = limits.paged_lists
        self._lists: dict[int, Sequence[T]] = {}
        self._last = 0

    def begin(self, items: Sequence[T], size: int) -> tuple[Sequence[T], int]:
        """Return the first page and the cursor of the next; 0 when it is the only one."""
        if len(items) <= size:
            return items, 0
        if len(self._lists) >= self._maximum:
            del self._lists[min(self._lists)]
        self._last += 1
        number = self._last
        self._lists[number] = items
        asyncio.get_running_loop().call_later(self._seconds, self._lists.pop, number, None)
        return items[:size], number * _OFFSETS + size

    def follow(self, cursor: int, size: int) -> tuple[Sequence[T], int]:
        """Return a later page; the list is dropped with its last. Raises Refusal STALE_CURSOR."""
        number, offset = divmod(cursor, _OFFSETS)
        items = self._lists.get(number)
        if items is None or offset >= len(items):
            raise Refusal(BrokerError.STALE_CURSOR, "the list has expired; begin again")
        if offset + size >= len(items):
            del self._lists[number]
            return items[offset:], 0
        return items[offset : offset + size], cursor + size


def page_at(items: Sequence[T], cursor: int, size: int) -> tuple[Sequence[T], int]:
    """Return a page of a list that is at hand and ordered; its cursor is the offset."""
    end = cursor + size
    return items[cursor:end], end if end < len(items) else 0
