"""A fake of what the broker needs of Infisical: folders in memory, gates, faults, a log."""

import asyncio
from collections.abc import Callable

from psi.broker.infisical.listing import Entry, Listing
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.shared.secret import SecretBytes

Folder = dict[str, bytes]


def entry(
    key: str, value: bytes | None = b"value", path: str = "/myapp", problem: str | None = None
) -> Entry:
    """Return an entry of a listing; without a value it has a problem."""
    found = None if value is None else SecretBytes(value)
    return Entry(key, path, found, problem if problem or found else "it has no value")


def failure(kind: Kind, text: str = "because") -> UpstreamError:
    """Return an error of a kind."""
    return UpstreamError(kind, text)


class FakeUpstream:
    """Answers from ``folders``; ``listing`` and ``single`` may put errors in their place."""

    def __init__(self, folders: dict[str, Folder] | None = None) -> None:
        self.folders = folders if folders is not None else {}
        self.listings: dict[str, Listing] = {}
        """What a listing of a path gives instead."""
        self.list_error: UpstreamError | None = None
        self.single_error: UpstreamError | None = None
        self.gate: asyncio.Event | None = None
        self.calls: list[str] = []
        self.called = asyncio.Event()

    def count(self, kind: str) -> int:
        """Return how many calls were ``list`` or ``get``."""
        return sum(call.startswith(kind) for call in self.calls)

    async def list_folder(
        self, project: str, environment: str | None, path: str, *, recursive: bool
    ) -> Listing:
        """List a folder."""
        assert environment is None, "the project's own"
        await self._called(f"list {project}:{path}" + " recursive" * recursive)
        if self.list_error is not None:
            raise self.list_error
        if path in self.listings:
            return self.listings[path]
        return self._listing(lambda p: p == path or (recursive and p.startswith(path)))

    def _listing(self, wanted: Callable[[str], bool]) -> Listing:
        return Listing(
            tuple(
                entry(key, value, path)
                for path, folder in self.folders.items()
                if wanted(path)
                for key, value in folder.items()
            )
        )

    async def get_secret(
        self, project: str, environment: str | None, path: str, key: str
    ) -> SecretBytes:
        """Get one secret."""
        assert environment is None, "the project's own"
        await self._called(f"get {project}:{path}#{key}")
        if self.single_error is not None:
            raise self.single_error
        value = self.folders.get(path, {}).get(key)
        if value is None:
            raise failure(Kind.ABSENT, "there is none")
        return SecretBytes(value)

    async def _called(self, call: str) -> None:
        self.calls.append(call)
        self.called.set()
        if self.gate is not None:
            await self.gate.wait()
