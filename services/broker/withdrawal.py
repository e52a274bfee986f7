"""When a cached value may be withdrawn because Infisical no longer has it (r9).

A withdrawn secret ends running containers that have health checks, so it takes two
observations at least ten minutes apart, never happens when all sources of an identity fail
together, and never to more than half of a source unless a person confirms it.
"""

from typing import NamedTuple

from psi.broker.cache import CacheKey, MemoryCache
from psi.shared.limits import Limits


class SourceView(NamedTuple):
    """What a refresh saw of one source: the keys that are kept, and those that are there."""

    name: str
    identity: str
    kept: frozenset[CacheKey]
    present: frozenset[CacheKey]
    """Empty for a source that Infisical says is gone or forbidden."""
    gone_whole: bool


class Verdict(NamedTuple):
    """What to do with the kept values of one source."""

    withdraw: list[CacheKey]
    going: list[CacheKey]
    held: str
    """Why nothing is withdrawn although something is gone; empty if nothing is held back."""


def blind_identities(views: list[SourceView]) -> set[str]:
    """Return the identities of which no source answered well: they lost rights, not secrets."""
    seen = {view.identity for view in views if not view.gone_whole}
    return {view.identity for view in views} - seen


class Withdrawals:
    """Judges the views of a refresh, and notes first observations in the entries."""

    def __init__(self, memory: MemoryCache, limits: Limits) -> None:
        self._memory = memory
        self._seconds = limits.withdrawal_seconds

    def judge(self, view: SourceView, blind: set[str], *, confirm: bool) -> Verdict:
        """Return what may be withdrawn now and what must be seen gone once more."""
        missing = view.kept - view.present
        if not missing:
            return Verdict([], [], "")
        if view.identity in blind:
            held = "every source of its identity fails at once; its rights may be lost"
            return Verdict([], [], held)
        if len(missing) * 2 > len(view.kept) and not confirm:
            held = f"{len(missing)} of {len(view.kept)} secrets are gone; if so, use --confirm"
            return Verdict([], self._observe(missing)[1], held)
        return Verdict(*self._observe(missing), "")

    def _observe(self, missing: frozenset[CacheKey]) -> tuple[list[CacheKey], list[CacheKey]]:
        """Note what is gone; return what has been for long enough, and what has not."""
        ages = {key: self._memory.note_gone(key) for key in sorted(missing)}
        known = {key: age for key, age in ages.items() if age is not None}
        long = [key for key, age in known.items() if age >= self._seconds]
        return long, [key for key in known if key not in long]
