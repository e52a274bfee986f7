"""Lists that come in pages: fetched to their end, which a hostile peer cannot put off for ever."""

from collections.abc import Callable
from typing import Final, TypeVar

from psi.shared.errors import ProtocolError, Refusal
from psi.shared.messages import broker as b
from psi.shared.messages import broker_cache as k
from psi.shared.messages.base import Request
from psictl.client import BrokerClient

MAX_PAGES: Final = 20_000
"""Values come one to a page, and a listing of 8 MiB holds about 10,000."""
LISTING_ATTEMPTS: Final = 3
"""A list is begun again when the broker dropped its cursor, as it does when it restarts."""

Page = TypeVar(
    "Page",
    b.DiscoverReply,
    b.ListWorkloadsReply,
    b.ListMappingsReply,
    b.TestLoginReply,
    b.ReadSecretsReply,
    b.BrokerStatusReply,
    k.RefreshReply,
    k.ListHeldReply,
)
Ask = Callable[[int], tuple[Request, type[Page]]]
"""Gives the request of a cursor, and the type of its reply."""


def all_pages(client: BrokerClient, ask: Ask[Page], max_pages: int = MAX_PAGES) -> list[Page]:
    """Return every page, at least one.

    Raises as BrokerClient.call, and ProtocolError for a list that has no end.
    """
    for _ in range(LISTING_ATTEMPTS - 1):
        try:
            return _fetch(client, ask, max_pages)
        except Refusal as error:
            if error.code != b.BrokerError.STALE_CURSOR:
                raise
    return _fetch(client, ask, max_pages)


def _fetch(client: BrokerClient, ask: Ask[Page], max_pages: int) -> list[Page]:
    pages: list[Page] = []
    cursors = {0}
    cursor = 0
    while not pages or cursor != 0:
        if len(pages) == max_pages:
            raise ProtocolError(f"the broker's list has over {max_pages} pages; {_REMEDY}")
        page = client.call(*ask(cursor))
        pages.append(page)
        cursor = page.next
        if cursor != 0 and cursor in cursors:
            raise ProtocolError(f"the broker's list runs in a circle; {_REMEDY}")
        cursors.add(cursor)
    return pages


_REMEDY: Final = "restart psi-broker.service"
