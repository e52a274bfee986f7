"""What the fake broker keeps for an outage: a cache, and sealed secrets."""

from dataclasses import dataclass, field
from typing import Any

from psi.shared.messages import broker as b
from psi.shared.messages import broker_cache as k
from psi.shared.messages.base import Done, Refused, Reply

CACHE = {
    "backend": "memory", "state": "loaded", "detail": "", "entries": 40, "stale": 0,
    "withdrawing": 0, "file_bytes": 0, "written_at": 0.0, "generation": 0, "writes": 3,
    "pending": False, "unreadable": [], "refreshed_at": 1.7e9, "sealer": "none", "verified": 0,
}  # fmt: skip  # one row of the screen after the other
REFRESHED = {
    "sources": 2, "failed": 0, "added": 1, "changed": 2, "unchanged": 3, "withdrawn": 0,
    "withdrawing": 0,
}  # fmt: skip  # counts


@dataclass
class Keeping:
    """State that tests fill in."""

    cache: dict[str, Any] = field(default_factory=dict)
    """What differs from CACHE."""
    refreshed: dict[str, int] = field(default_factory=lambda: dict(REFRESHED))
    findings: list[b.Finding] = field(default_factory=list)
    dropped: int = 1
    sealed: dict[str, bytes] = field(default_factory=dict)

    def answer(self, request: Any) -> Reply:
        """Answer as the real broker does."""
        if isinstance(request, k.CacheStatus):
            verified = {"verified": 39} if request.verify else {}
            return k.CacheStatusReply(**{**CACHE, **self.cache, **verified})
        if isinstance(request, k.Invalidate):
            return k.InvalidateReply(dropped=self.dropped)
        return self._seal(request)

    def _seal(self, request: k.SealSecret) -> Reply:
        if request.name in self.sealed and not request.replace:
            return Refused(code="exists", detail="it is sealed already; give --force")
        self.sealed[request.name] = request.value.reveal()
        return Done()
