"""What is wrong with the cache or the sealer, one line each, with what to do about it."""

from collections import Counter

from psi.shared.messages.broker_cache import (
    CacheStatusReply,
)
from psi.shared.messages.sealer import SealerStatusReply
from psi.shared.names import printable
from psictl.config.model import SEALED_BACKENDS
from psictl.output import format_time

_DETAIL_CHARACTERS = 200
_AT_HAND = ("open", "closed")
"""States in which the sealer does what it is asked."""


def cache_problems(cache: CacheStatusReply) -> list[str]:
    """Return what keeps the cache from doing what it is for."""
    told = []
    detail = printable(cache.detail, _DETAIL_CHARACTERS)
    if cache.state == "unreadable":
        told.append(f"the cache cannot be read, and is kept: {detail or 'see the broker log'}")
    elif detail:
        told.append(f"the cache: {detail}")
    if cache.unreadable:
        told.append(
            f"{len(cache.unreadable)} caches were set aside, the newest {_newest(cache)}: "
            "psictl cache reseal or recover opens what this host's key fits; remove the others"
        )
    if cache.stale:
        told.append(f"{cache.stale} values are past max_stale and are not served; see Infisical")
    return told


def _newest(cache: CacheStatusReply) -> str:
    return printable(cache.unreadable[0])


def sealer_problems(sealer: SealerStatusReply) -> list[str]:
    """Return why the sealer's key is not at hand."""
    if sealer.state == "unprovisioned":
        return ["the sealer has no keyslot, so nothing is kept: psictl cache init --recovery"]
    if sealer.state == "degraded":
        detail = printable(sealer.detail, _DETAIL_CHARACTERS)
        return [f"the sealer is degraded ({sealer.code or 'no code'}): {detail}"]
    return []


def sealer_word(cache: CacheStatusReply) -> list[str]:
    """Return what the broker says of a sealer whose key is not at hand."""
    if cache.backend not in SEALED_BACKENDS or cache.sealer.startswith(_AT_HAND):
        return []
    word = printable(cache.sealer, _DETAIL_CHARACTERS)
    remedy = ": psictl cache init --recovery" if word.startswith("unprovisioned") else ""
    return [f"the sealer: {word}{remedy}"]


def cache_line(cache: CacheStatusReply) -> str:
    """Return the cache in a line: where, how much, how old."""
    counts = [f"{cache.entries} values"]
    counts += [f"{cache.withdrawing} about to be withdrawn"] if cache.withdrawing else []
    counts += [f"{cache.stale} stale"] if cache.stale else []
    return f"{cache.backend}, {cache.state}, {', '.join(counts)}"


def file_line(cache: CacheStatusReply) -> str:
    """Return the cache's file in a line."""
    if not cache.file_bytes:
        return "none yet" if cache.backend != "memory" else "none: backend memory"
    pending = ", more to be written" if cache.pending else ""
    written = format_time(cache.written_at)
    return f"{cache.file_bytes} bytes, generation {cache.generation}, written {written}{pending}"


def sealer_line(sealer: SealerStatusReply) -> str:
    """Return the sealer in a line: state, device, slots by kind."""
    kinds = Counter(slot.kind for slot in sealer.slots)
    slots = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "none"
    return f"{sealer.state}, {sealer.backend}, hold {sealer.hold}, slots: {slots}"
