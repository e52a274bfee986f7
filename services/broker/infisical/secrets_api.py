"""Infisical's routes for reading secrets, v4 or v3 raw, all flags always sent (r32).

Their defaults differ between server generations, and the imports flag has two names (Infisical
secret-router of v4, two generations); a server drops the query parameters that it does not know.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import quote

from psi.broker.infisical.api_generation import Api, ApiGeneration, settles
from psi.broker.infisical.exchange import Exchange, Fetched, Question
from psi.broker.infisical.import_places import place_imports
from psi.broker.infisical.listing import Entry, Etag, Listing, merge_listing, read_value
from psi.broker.infisical.outcome import Kind, UpstreamError, bad_value, foreign
from psi.broker.infisical.retry import Patience
from psi.broker.infisical.wire import WireListing, WireSecret, WireSingle
from psi.shared.limits import LIST_BODY_BYTES, SINGLE_BODY_BYTES
from psi.shared.secret import SecretBytes
from psi.shared.text import ascii_line

MAX_URL_KEY = 100
"""A longer key in a URL gets the 404 of an unknown route (recorded; Fastify maxParamLength)."""
_ROUTES = {Api.V4: "/api/v4/secrets", Api.V3: "/api/v3/secrets/raw"}
_FLAGS = {
    "viewSecretValue": "true",
    "expandSecretReferences": "true",
    "includeImports": "true",
    "include_imports": "true",
}


class Asked(NamedTuple):
    """A listing's question: whose token, which project and environment, which folder."""

    token: SecretBytes
    place: dict[str, str]
    path: str
    recursive: bool
    etag: Etag | None = None


class SecretsApi:
    """Reads one project's environment with a token that the caller gives."""

    def __init__(self, exchange: Exchange, generation: ApiGeneration, patience: Patience) -> None:
        self._exchange = exchange
        self._generation = generation
        self._patience = patience

    async def list_folder(
        self, token: SecretBytes, place: dict[str, str], path: str, *, recursive: bool
    ) -> Listing:
        """Return a folder's secrets; ``place`` has projectId and environment."""
        listing = await self.list_if_changed(Asked(token, place, path, recursive))
        if listing is None:
            raise _unconditional()
        return listing

    async def list_if_changed(self, asked: Asked) -> Listing | None:
        """Return a folder's secrets, or None when they are those that the etag came with.

        A server that has not lately shown v4 is asked for the other generation where the route
        of the one is not known.
        """
        spoken = self._generation.spoken
        try:
            return await self._list_by(spoken or Api.V4, asked)
        except UpstreamError as error:
            if not error.no_route or spoken is Api.V4:
                raise
            first = error
        try:
            return await self._list_by(Api.V4 if spoken is Api.V3 else Api.V3, asked)
        except UpstreamError as error:
            raise first if error.kind is Kind.FOREIGN else error from None

    async def _list_by(self, api: Api, asked: Asked) -> Listing | None:
        query = _query(asked.place, asked.path, api) | {
            "recursive": "true" if asked.recursive else "false",
            "includePersonalOverrides": "false",
        }
        known = asked.etag.text if asked.etag is not None and asked.etag.api == api else ""
        with self._settling(api):
            fetched = await self._exchange.fetch(
                Question(_ROUTES[api], query, asked.token, known),
                WireListing,
                LIST_BODY_BYTES,
                self._patience,
            )
        return await self._listing(fetched, api, asked) if fetched.value is not None else None

    async def _listing(self, fetched: Fetched[WireListing], api: Api, asked: Asked) -> Listing:
        path, etag = asked.path, Etag(api, fetched.etag) if fetched.etag else None
        direct, imported = merge_listing(fetched.certain(), path, recursive=asked.recursive)
        if not asked.recursive or not imported:
            return Listing((*direct, *imported), etag)

        async def list_one(folder: str) -> Iterable[Entry]:
            found = await self.list_folder(asked.token, asked.place, folder, recursive=False)
            return found.entries

        # Put together from several answers: the etag of one does not stand for it.
        return Listing((*direct, *await place_imports(path, direct, imported, list_one)))

    async def get_secret(
        self, token: SecretBytes, place: dict[str, str], path: str, key: str
    ) -> SecretBytes:
        """Return one value; raises UpstreamError (bad-value) for one that Podman cannot hold.

        Which generation is spoken is found out by a listing, never by this route: its 404 could
        be that of the key.
        """
        asked, spoken = Asked(token, place, path, recursive=False), self._generation.spoken
        if not _fits_url(key):
            return await self._pick(asked, key)
        try:
            return await self._get_by(spoken or Api.V4, asked, key)
        except UpstreamError as error:
            if not error.no_route or spoken is Api.V4:
                raise
        self._generation.forget()
        try:
            return await self._pick(asked, key)
        except UpstreamError as error:
            found = self._generation.spoken
            if not error.permission or found is None:
                raise
        return await self._get_by(found, asked, key)

    async def _get_by(self, api: Api, asked: Asked, key: str) -> SecretBytes:
        query = _query(asked.place, asked.path, api) | {"type": "shared"}
        route = f"{_ROUTES[api]}/{quote(key, safe='')}"
        with self._settling(api):
            fetched = await self._exchange.fetch(
                Question(route, query, asked.token), WireSingle, SINGLE_BODY_BYTES, self._patience
            )
        return _value_of(fetched.certain().secret, key)

    async def _pick(self, asked: Asked, key: str) -> SecretBytes:
        listing = await self.list_folder(asked.token, asked.place, asked.path, recursive=False)
        return _entry_of(listing, key)

    @contextmanager
    def _settling(self, api: Api) -> Iterator[None]:
        """Note the generation where its route answers."""
        try:
            yield
        except UpstreamError as error:
            if settles(error):
                self._generation.note(api)
            raise
        self._generation.note(api)


def _unconditional() -> UpstreamError:
    return foreign("a 304 to a question that had no condition", 304)


def _value_of(secret: WireSecret, key: str) -> SecretBytes:
    if secret.secret_key != key or secret.type == "personal":
        raise foreign("another secret than the one that was asked for")
    value, problem = read_value(secret)
    if value is None:
        raise bad_value(key, problem or "it has no value")
    return value


def _query(place: dict[str, str], path: str, api: Api) -> dict[str, str]:
    query = place | {"secretPath": path} | _FLAGS
    return query | {"workspaceId": query.pop("projectId")} if api is Api.V3 else query


def _fits_url(key: str) -> bool:
    """Tell whether a key survives as a path segment: short enough, and no dot segment."""
    return key not in {"", ".", ".."} and len(quote(key, safe="")) <= MAX_URL_KEY


def _entry_of(listing: Listing, key: str) -> SecretBytes:
    for entry in listing.entries:
        if entry.key == key and entry.value is not None:
            return entry.value
        if entry.key == key:
            raise bad_value(key, entry.problem or "it has no value")
    text = f"Infisical's folder has no secret {ascii_line(key, 60)}; check path and key"
    raise UpstreamError(Kind.ABSENT, text, status=404)
