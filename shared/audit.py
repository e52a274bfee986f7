"""The audit stream: an enumerated event per line (r26).

The broker writes what happens to secrets, the sealer what happens to its key.

Denials, live fetches and the first grant of a secret in an hour are lines; further cached
grants are counted and summed up, for a health check resolves all secrets of its container
every few seconds. ``audit: full`` writes every grant.
"""

import sys
import time
from collections.abc import Callable
from enum import StrEnum
from typing import TextIO

from psi.shared.text import key_value


class AuditEvent(StrEnum):
    """What is audited."""

    GRANTED = "secret-granted"
    GRANTED_SUMMARY = "secret-granted-summary"
    DENIED = "secret-denied"
    STORED = "mapping-stored"
    STORE_DENIED = "mapping-denied"
    DELETED = "mapping-deleted"
    READ = "secrets-read"
    LOGIN_TESTED = "login-tested"
    KEY_PROVISIONED = "key-provisioned"
    KEY_RECOVERED = "key-recovered"
    KEY_RESEALED = "key-resealed"
    SLOT_ADDED = "slot-added"
    SLOT_REMOVED = "slot-removed"
    FOREIGN_UNWRAPPED = "foreign-unwrapped"
    INVALIDATED = "cache-invalidated"
    WITHDRAWN = "secret-withdrawn"
    SEALED = "secret-sealed"


class Audit:
    """Writes audit lines; ``claimed_uid`` and ``claimed_pid`` are the frontend's word."""

    def __init__(
        self,
        *,
        full: bool,
        interval_seconds: float,
        stream: TextIO = sys.stderr,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._full = full
        self._interval = interval_seconds
        self._stream = stream
        self._clock = clock
        self._since: dict[str, float] = {}
        self._unwritten: dict[str, int] = {}

    def record(self, event: AuditEvent, **fields: object) -> None:
        """Write one line."""
        self._stream.write(f"<5>psi-audit: {event} {key_value(fields)}\n")
        self._stream.flush()

    def granted(self, secret_id: str, source: str, uid: int, pid: int) -> None:
        """Record that a value was handed over, ``cached`` or ``live``."""
        now = self._clock()
        if source == "cached" and not self._full:
            if now - self._since.get(secret_id, -self._interval) < self._interval:
                self._unwritten[secret_id] = self._unwritten.get(secret_id, 0) + 1
                return
            self._summarise(secret_id)
            self._since[secret_id] = now
        self.record(
            AuditEvent.GRANTED, id=secret_id, source=source, claimed_uid=uid, claimed_pid=pid
        )

    def forget(self, secret_id: str) -> None:
        """Sum up and drop what is known of an id that is gone."""
        self._summarise(secret_id)
        self._since.pop(secret_id, None)

    def flush(self) -> None:
        """Sum up every id; called hourly and at the end."""
        for secret_id in tuple(self._unwritten):
            self._summarise(secret_id)

    def _summarise(self, secret_id: str) -> None:
        count = self._unwritten.pop(secret_id, 0)
        if count:
            self.record(AuditEvent.GRANTED_SUMMARY, id=secret_id, source="cached", grants=count)
