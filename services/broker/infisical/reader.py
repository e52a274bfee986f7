"""Reading secrets with a given patience: the client's own, a breaker's probe, a refresh."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from psi.broker.infisical.identity_book import IdentityBook
from psi.broker.infisical.listing import Etag, Listing
from psi.broker.infisical.outcome import UpstreamError
from psi.broker.infisical.secrets_api import Asked, SecretsApi
from psi.shared.errors import Refusal
from psi.shared.messages.broker import BrokerError
from psi.shared.projection import Infisical, Project
from psi.shared.secret import SecretBytes
from psi.shared.text import printable

T = TypeVar("T")


class Reader:
    """Reads as the identity of each project.

    Methods raise UpstreamError, or Refusal (unknown-name) for a project that is not configured.
    """

    def __init__(self, config: Infisical, book: IdentityBook, api: SecretsApi) -> None:
        self._config = config
        self._book = book
        self._api = api

    async def list_folder(
        self, project: str, environment: str | None, path: str, *, recursive: bool
    ) -> Listing:
        """Return a folder's or a tree's secrets; the project's environment unless one is given."""
        place = self._place(project, environment)
        return await self._with_token(
            project, lambda token: self._api.list_folder(token, place, path, recursive=recursive)
        )

    async def list_if_changed(
        self, project: str, path: str, *, recursive: bool, etag: Etag | None
    ) -> Listing | None:
        """Return what a folder of the project's environment holds, None if that is as it was."""
        place = self._place(project, None)
        return await self._with_token(
            project,
            lambda token: self._api.list_if_changed(Asked(token, place, path, recursive, etag)),
        )

    async def get_secret(
        self, project: str, environment: str | None, path: str, key: str
    ) -> SecretBytes:
        """Return one value: never empty, at most MAX_SECRET_BYTES, else bad-value is raised."""
        place = self._place(project, environment)
        return await self._with_token(
            project, lambda token: self._api.get_secret(token, place, path, key)
        )

    def project(self, alias: str) -> Project:
        """Return a configured project."""
        project = self._config.projects.get(alias)
        if project is None:
            text = f"no project {printable(alias, 63)!r} is configured; add it and run psictl apply"
            raise Refusal(BrokerError.UNKNOWN_NAME, text)
        return project

    def _place(self, project: str, environment: str | None) -> dict[str, str]:
        found = self.project(project)
        chosen = found.environment if environment is None else environment
        return {"projectId": found.id, "environment": chosen}

    async def _with_token(self, project: str, ask: Callable[[SecretBytes], Awaitable[T]]) -> T:
        """Ask; after a refused token log in once and ask once more."""
        keeper = self._book.keeper_of(project)
        token = await keeper.token()
        try:
            result = await ask(token.access)
        except UpstreamError as error:
            if not error.token or not keeper.reject(token):
                raise
            token = await keeper.token()
            result = await ask(token.access)
        keeper.accept(token)
        return result
