"""Which coordinates a mapping may name: those of a configured workload, and ``allow`` (r5).

A compromised frontend may store any mapping it likes under a fresh id and look it up; this is
what stops it from reading a project that no workload of this host uses.
"""

from psi.broker.mapping import Coordinate
from psi.shared.projection import BrokerProjection, Source


class Policy:
    """Decides at store and at every lookup; it never changes while the process runs."""

    def __init__(self, projection: BrokerProjection) -> None:
        self._folders: set[tuple[str, str]] = set()
        self._trees: set[tuple[str, str]] = set()
        self._keys = {Coordinate(a.project, a.path, a.key) for a in projection.allow}
        for workload in projection.workloads.values():
            for source in workload.sources:
                self._add(source)

    def permits(self, coordinate: Coordinate) -> bool:
        """Whether some workload draws from the coordinate's folder, or ``allow`` names it."""
        return self.in_source(coordinate.project, coordinate.path) or coordinate in self._keys

    def may_keep(self, project: str | None, path: str, key: str) -> bool:
        """Whether a kept value belongs to a project and place that someone may look up."""
        return project is not None and self.permits(Coordinate(project, path, key))

    def in_source(self, project: str, path: str) -> bool:
        """Whether some workload draws from this folder, so that it may be listed."""
        if (project, path) in self._folders:
            return True
        return any((project, ancestor) in self._trees for ancestor in _ancestors(path))

    def _add(self, source: Source) -> None:
        kind = self._trees if source.recursive else self._folders
        kind.add((source.project, source.path))


def _ancestors(path: str) -> list[str]:
    """Return the path itself and every folder above it, up to the root."""
    found = [path]
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        found.append(path)
    return found
