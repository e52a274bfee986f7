"""A folder's secrets as this package hands them on: one entry a key, imports already merged."""

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

from psi.broker.infisical.outcome import foreign
from psi.broker.infisical.wire import WireListing, WireSecret
from psi.shared.errors import InvalidName
from psi.shared.names import parse_secret_path
from psi.shared.secret import MAX_SECRET_BYTES, SecretBytes

HIDDEN = "<hidden-by-infisical>"
_MASKED = "its value is masked; give the identity the right to read values"
_EMPTY = (
    "its value is empty, or a reference that leads nowhere, which Podman cannot hold; set it in "
    "Infisical or delete it"
)
_REFERENCE = re.compile(r"\$\{[A-Za-z0-9_.\-]+\}")
"""As Infisical's expansion finds them; one that leads nowhere stays so through an import."""
_UNRESOLVED = (
    "its value holds ${...} as it stands: a reference that leads nowhere from the folder that it "
    "is imported from; correct the reference, or import its target too"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One secret; exactly one of ``value`` and ``problem`` is set.

    ``notice`` is what a person should know of a value that is handed on all the same. The key
    is as hostile as Infisical's users are; the path has passed ``parse_secret_path``.
    """

    key: str
    path: str
    value: SecretBytes | None
    problem: str | None
    notice: str | None = None


class Etag(NamedTuple):
    """What a listing's answer was tagged with, and by which generation of the API."""

    api: str
    text: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All entries of a folder, or of a tree, where one key may stand at several paths."""

    entries: tuple[Entry, ...]
    etag: Etag | None = None
    """Where one answer gave it all."""


def merge_listing(
    wire: WireListing, folder: str, *, recursive: bool
) -> tuple[list[Entry], list[Entry]]:
    """Return the direct secrets, and of the imports those whose key is not direct.

    Of two imports the last wins, as Infisical's own client has it (r32). Imported ones carry
    no path, so they get the listed folder. Raises UpstreamError (foreign) when a secret lies
    outside of what was asked for.
    """
    direct = {}
    for secret in wire.secrets:
        if secret.type != "personal":
            path = _path_of(secret, folder) if recursive else folder
            direct[path, secret.secret_key] = _entry(secret, path)
    taken = {key for _, key in direct}
    imported = {
        secret.secret_key: _imported(secret, folder)
        for one in wire.imports or []
        for secret in one.secrets
        if secret.secret_key not in taken and secret.type != "personal"
    }
    return list(direct.values()), list(imported.values())


def _path_of(secret: WireSecret, folder: str) -> str:
    path = secret.secret_path if secret.secret_path is not None else folder
    try:
        parse_secret_path(path)
    except InvalidName:
        raise foreign("a secret with a path that is none") from None
    if folder not in {"/", path} and not path.startswith(f"{folder}/"):
        raise foreign("a secret from outside of the folder that was asked for")
    return path


def _entry(secret: WireSecret, path: str) -> Entry:
    value, problem = read_value(secret)
    return Entry(secret.secret_key, path, value, problem)


def _imported(secret: WireSecret, folder: str) -> Entry:
    entry = _entry(secret, folder)
    if entry.value is None or _REFERENCE.search(secret.secret_value) is None:
        return entry
    return replace(entry, notice=_UNRESOLVED)


def read_value(secret: WireSecret) -> tuple[SecretBytes | None, str | None]:
    """Return the value, or what keeps it from being handed to Podman (r33)."""
    value = SecretBytes(secret.secret_value.encode())
    if secret.secret_value_hidden or secret.secret_value == HIDDEN:
        return None, _MASKED
    if len(value) == 0:
        return None, _EMPTY
    if len(value) > MAX_SECRET_BYTES:
        limit = f"Podman takes at most {MAX_SECRET_BYTES}; split it or store a reference"
        return None, f"its value has {len(value)} bytes; {limit}"
    return value, None
