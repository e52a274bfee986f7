"""Infisical's v4 routes for reading secrets, all flags always sent (r32).

Their defaults differ between server generations, and the imports flag has two names (Infisical
secret-router of v4, two generations); a server drops the query parameters that it does not know.
"""

from collections.abc import Iterable
from urllib.parse import quote

from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.import_places import place_imports
from psi.broker.infisical.listing import Entry, Listing, merge_listing, read_value
from psi.broker.infisical.outcome import Kind, UpstreamError, bad_value, foreign
from psi.broker.infisical.wire import WireListing, WireSingle
from psi.shared.limits import LIST_BODY_BYTES, SINGLE_BODY_BYTES
from psi.shared.secret import SecretBytes
from psi.shared.text import ascii_line

MAX_URL_KEY = 100
"""A longer key in a URL gets the 404 of an unknown route (recorded; Fastify maxParamLength)."""
_ROUTE = "/api/v4/secrets"
_FLAGS = {
    "viewSecretValue": "true",
    "expandSecretReferences": "true",
    "includeImports": "true",
    "include_imports": "true",
}


class SecretsApi:
    """Reads one project's environment with a token that the caller gives."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def list_folder(
        self, token: SecretBytes, place: dict[str, str], path: str, *, recursive: bool
    ) -> Listing:
        """Return a folder's secrets; ``place`` has projectId and environment."""
        direct, imported = await self._list(token, place, path, recursive=recursive)
        if recursive and imported:

            async def list_one(folder: str) -> Iterable[Entry]:
                return (await self.list_folder(token, place, folder, recursive=False)).entries

            imported = await place_imports(path, direct, imported, list_one)
        return Listing((*direct, *imported))

    async def _list(
        self, token: SecretBytes, place: dict[str, str], path: str, *, recursive: bool
    ) -> tuple[list[Entry], list[Entry]]:
        query = _query(place, path) | {
            "recursive": "true" if recursive else "false",
            "includePersonalOverrides": "false",
        }
        wire = await self._exchange.get(_ROUTE, query, token, WireListing, LIST_BODY_BYTES)
        return merge_listing(wire, path, recursive=recursive)

    async def get_secret(
        self, token: SecretBytes, place: dict[str, str], path: str, key: str
    ) -> SecretBytes:
        """Return one value; raises UpstreamError (bad-value) for one that Podman cannot hold."""
        if not _fits_url(key):
            return _pick(await self.list_folder(token, place, path, recursive=False), key)
        query = _query(place, path) | {"type": "shared"}
        route = f"{_ROUTE}/{quote(key, safe='')}"
        wire = await self._exchange.get(route, query, token, WireSingle, SINGLE_BODY_BYTES)
        if wire.secret.secret_key != key:
            raise foreign("another secret than the one that was asked for")
        value, problem = read_value(wire.secret)
        if value is None:
            raise bad_value(key, problem or "it has no value")
        return value


def _query(place: dict[str, str], path: str) -> dict[str, str]:
    return place | {"secretPath": path} | _FLAGS


def _fits_url(key: str) -> bool:
    """Tell whether a key survives as a path segment: short enough, and no dot segment."""
    return key not in {"", ".", ".."} and len(quote(key, safe="")) <= MAX_URL_KEY


def _pick(listing: Listing, key: str) -> SecretBytes:
    for entry in listing.entries:
        if entry.key == key and entry.value is not None:
            return entry.value
        if entry.key == key:
            raise bad_value(key, entry.problem or "it has no value")
    text = f"Infisical's folder has no secret {ascii_line(key, 60)}; check path and key"
    raise UpstreamError(Kind.ABSENT, text, status=404)
