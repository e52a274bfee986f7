"""Values for ``psictl infisical env`` and ``write-file``: read live, one to a page."""

from psi.broker.discovery import refused
from psi.broker.infisical.listing import Entry
from psi.broker.infisical.outcome import UpstreamError
from psi.broker.paging import Pages
from psi.broker.upstream import Upstream, refusal_of
from psi.shared.errors import InvalidName, Refusal
from psi.shared.limits import Limits
from psi.shared.messages.base import Reply
from psi.shared.messages.broker import (
    BrokerError,
    Finding,
    ReadSecrets,
    ReadSecretsReply,
    SecretEntry,
)
from psi.shared.names import parse_key, parse_secret_path
from psi.shared.projection import Project
from psi.shared.text import printable

_Item = SecretEntry | Finding


class SecretReader:
    """Reads folders of configured projects."""

    def __init__(self, projects: dict[str, Project], upstream: Upstream, limits: Limits) -> None:
        self._projects = projects
        self._upstream = upstream
        self._pages: Pages[_Item] = Pages(limits)

    async def read(self, request: ReadSecrets) -> Reply:
        """Return a page; raises Refusal."""
        if request.cursor:
            items, following = self._pages.follow(request.cursor, 1)
        else:
            items, following = self._pages.begin(await self._items(request), 1)
        return ReadSecretsReply(
            id=request.id,
            secrets=[item for item in items if isinstance(item, SecretEntry)],
            findings=[item for item in items if isinstance(item, Finding)],
            next=following,
        )

    async def _items(self, request: ReadSecrets) -> list[_Item]:
        entries = await self._list(request)
        if request.key is not None:
            entries = [entry for entry in entries if entry.key == request.key]
            if not entries:
                detail = f"{printable(request.key, 60)} is not in {printable(request.path, 60)}"
                raise Refusal(BrokerError.ABSENT, detail)
        return [_item_of(entry) for entry in entries]

    async def _list(self, request: ReadSecrets) -> list[Entry]:
        if request.project not in self._projects:
            detail = f"there is no project {request.project} in the configuration; see psictl apply"
            raise Refusal(BrokerError.UNKNOWN_NAME, detail)
        try:
            listing = await self._upstream.list_folder(
                request.project,
                request.environment,
                parse_secret_path(request.path),
                recursive=False,
            )
        except UpstreamError as error:
            raise refusal_of(error) from error
        except InvalidName as error:
            raise Refusal(BrokerError.UNKNOWN_NAME, str(error)) from error
        return list(listing.entries)


def _item_of(entry: Entry) -> _Item:
    if entry.value is None:
        return refused(entry, entry.problem or "it has no value")
    try:
        return SecretEntry(key=parse_key(entry.key), value=entry.value)
    except InvalidName:
        return refused(entry, "its key holds a control character, '/' or ':', or is too long")
