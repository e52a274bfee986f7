"""Values in memory, by coordinate and never by Podman's ids, which change at every setup.

With the cache off nothing is kept: a value is fetched for one reply and forgotten.
"""

from typing import NamedTuple, Protocol

from psi.shared.secret import SecretBytes


class CacheKey(NamedTuple):
    """What names a value at Infisical: aliases and ids of this host play no part."""

    project_id: str
    environment: str
    path: str
    key: str


class Cache(Protocol):
    """Where values are kept between lookups."""

    keeps: bool
    """Whether anything is kept at all."""

    def get(self, key: CacheKey) -> SecretBytes | None:
        """Return a kept value."""
        ...

    def put(self, key: CacheKey, value: SecretBytes) -> None:
        """Keep a value."""
        ...

    def __len__(self) -> int: ...


class NoCache:
    """Keeps nothing."""

    keeps = False

    def get(self, key: CacheKey) -> SecretBytes | None:  # noqa: ARG002  # the Protocol's signature
        """Return None."""
        return None

    def put(self, key: CacheKey, value: SecretBytes) -> None:
        """Forget the value."""

    def __len__(self) -> int:
        return 0


class MemoryCache:
    """Keeps values until the process ends."""

    keeps = True

    def __init__(self) -> None:
        self._values: dict[CacheKey, SecretBytes] = {}

    def get(self, key: CacheKey) -> SecretBytes | None:
        """Return a kept value: no crypto, disk or device."""
        return self._values.get(key)

    def put(self, key: CacheKey, value: SecretBytes) -> None:
        """Keep a value, newer than the one before."""
        self._values[key] = value

    def __len__(self) -> int:
        return len(self._values)
