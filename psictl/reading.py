"""Values for a person: everything that was asked for, or an error that names what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from psi.shared.errors import PsiError
from psi.shared.messages.broker import Finding, SecretEntry
from psi.shared.names import parse_alias, parse_environment_slug, parse_secret_path, printable
from psictl.catalogue import Folder, read_folder
from psictl.client import BrokerClient
from psictl.output import say


@dataclass(frozen=True)
class Place:
    """A folder of a project, in an environment or in the project's own."""

    project: str
    path: str
    environment: str | None

    @classmethod
    def parse(cls, project: str, path: str, environment: str | None) -> Self:
        """Return a place from a command line; raises InvalidName."""
        slug = None if environment is None else parse_environment_slug(environment)
        return cls(parse_alias(project), parse_secret_path(path), slug)

    def __str__(self) -> str:
        return f"{self.project}:{self.path}"


def read_secrets(client: BrokerClient, place: Place, keys: Sequence[str]) -> list[SecretEntry]:
    """Return the secrets of these keys, or of the whole folder where none is given.

    Raises PsiError where one is absent or the broker had to leave one out, and as
    BrokerClient.call.
    """
    wanted: list[str | None] = [*keys] or [None]
    secrets = [entry for key in wanted for entry in _complete(_read(client, place, key))]
    missing = sorted(set(keys) - {entry.key for entry in secrets})
    if missing:
        names = ", ".join(printable(name) for name in missing)
        raise PsiError(f"{place} has no such secret: {names}")
    return secrets


def _read(client: BrokerClient, place: Place, key: str | None) -> Folder:
    return read_folder(client, place.project, place.path, place.environment, key)


def _complete(folder: Folder) -> tuple[SecretEntry, ...]:
    refused = [_told(found) for found in folder.findings if found.kind == "refused"]
    for found in folder.findings:
        if found.kind == "notice":
            say(_told(found))
    if refused:
        raise PsiError("nothing was read:\n  " + "\n  ".join(refused))
    return folder.secrets


def _told(found: Finding) -> str:
    return f"{found.subject}: {found.detail}"
