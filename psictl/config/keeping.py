"""``cache``: what is kept for an outage, where, and for how long."""

from typing import Literal

from psictl.config.fields import choice, duration, flag
from psictl.config.model import Backend, Cache
from psictl.config.value import Parse, Section

REFRESH_SECONDS = (60, 86_400 * 30)
DELAY_SECONDS = (1, 86_400)
STALE_SECONDS = (60, 86_400 * 365)
CACHE_HINTS = {"path": "the cache is always cache.enc in the state folder; remove this key"}
UNPROTECTED = (
    "backend software protects nothing: its key lies beside what it encrypts; "
    "for development only, use tpm or hsm"
)
_BACKEND: Parse[Literal["tpm", "hsm", "memory", "software"]] = choice(
    "tpm", "hsm", "memory", "software"
)


def read_cache(entries: Section) -> Cache:
    """Read ``cache``; without a backend, or switched off, nothing is kept."""
    enabled = entries.get("enabled", flag, default=True)
    none: Backend = "none"
    named: Backend = entries.get("backend", _BACKEND, none)
    cache = Cache(
        backend=named if enabled else none,
        refresh_interval=entries.get("refresh_interval", duration(*REFRESH_SECONDS), 3600),
        refresh_randomized_delay=entries.get(
            "refresh_randomized_delay", duration(*DELAY_SECONDS), 300
        ),
        max_stale=entries.get("max_stale", duration(*STALE_SECONDS), None),
    )
    if cache.backend == "software":
        entries.value.notice(UNPROTECTED)
    return cache
