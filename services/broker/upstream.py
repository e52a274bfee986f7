"""What the broker needs of Infisical, as one small interface: the client, or a fake in tests."""

from typing import Protocol

from psi.broker.infisical.listing import Etag, Listing
from psi.broker.infisical.outcome import UpstreamError
from psi.shared.errors import Refusal
from psi.shared.secret import SecretBytes


class Upstream(Protocol):
    """Reads secrets; each method raises UpstreamError."""

    async def list_folder(
        self, project: str, environment: str | None, path: str, *, recursive: bool
    ) -> Listing:
        """Return what a folder holds now."""
        ...

    async def get_secret(
        self, project: str, environment: str | None, path: str, key: str
    ) -> SecretBytes:
        """Return one value."""
        ...


class Lister(Upstream, Protocol):
    """An Upstream for a refresh: what has not changed is not sent again."""

    async def list_if_changed(
        self, project: str, path: str, *, recursive: bool, etag: Etag | None
    ) -> Listing | None:
        """Return what a folder of the project's environment holds, None if that is as it was."""
        ...


def refusal_of(error: UpstreamError) -> Refusal:
    """Return the refusal that tells a caller what Infisical said."""
    return Refusal(error.code, error.detail)
