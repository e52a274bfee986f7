"""Expansion of `${KEY}` and `${env.folder.KEY}` in values."""

import re

from tests.fakes.infisical.model import Folder, Project

_REFERENCE = re.compile(r"\$\{([a-zA-Z0-9\-_.]+)\}")
_MAX_DEPTH = 10


class Expander:
    """Expands references within one project.

    A reference that leads nowhere becomes "" when read directly and stays literal through an
    import (seen on a real server); so does one that leads back to itself.
    """

    def __init__(self, project: Project, *, literal: bool = False) -> None:
        self._project = project
        self._literal = literal

    def expand(self, value: str, environment: str, folder: Folder, depth: int = 0) -> str:
        """Return a value with its references replaced, seen from its own folder."""

        def replace(match: re.Match[str]) -> str:
            found = self._lookup(match[1], environment, folder, depth)
            if found is None:
                return match[0] if self._literal else ""
            return found

        return _REFERENCE.sub(replace, value)

    def _lookup(self, reference: str, environment: str, folder: Folder, depth: int) -> str | None:
        *way, key = reference.split(".")
        where: Folder | None = folder
        if way:
            environment = way[0]
            where = self._project.folder(environment, "/" + "/".join(way[1:]))
        if where is None or key not in where.secrets or depth >= _MAX_DEPTH:
            return None
        return self.expand(where.secrets[key].value, environment, where, depth + 1)
