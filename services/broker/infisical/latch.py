"""Remembers a refused credential, across restarts, so that it is not tried again (r14).

Three wrong secrets lock an identity, and a service that restarts in a loop would keep it so.
What only time cures (a lockout, an untrusted address) is held for a while instead of for good:
anyone who knows a client id can cause a lockout, which must not need a person to end it.
"""

import hashlib
import hmac
import secrets
from pathlib import Path

import msgspec

from psi.broker.infisical.clock import Clock
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.broker.infisical.token_file import read_private_file
from psi.shared.atomic_file import remove_file, replace_file
from psi.shared.limits import KIB
from psi.shared.log import Log
from psi.shared.secret import SecretBytes
from psi.shared.text import ascii_line

HOLD_SECONDS = 300
"""Infisical's default lockout; a longer one costs a refused try every five minutes."""
FILE_BYTES = 4 * KIB
"""A record has some 300 bytes."""
_SALT_BYTES = 16
_LOCKED = "temporarily locked"


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    salt: str
    digest: str
    reason: str
    refused_at: float
    until: float | None = None
    """Wall time after which it may be tried again; None for when it changes."""


class Latch:
    """One identity's latch, in ``.refused.{slot}.json`` of the state folder, mode 0600."""

    def __init__(self, folder: Path, slot: str, api_url: str, clock: Clock, log: Log) -> None:
        self._folder = folder
        self._name = f".refused.{slot}.json"
        self._api_url = api_url
        self._clock = clock
        self._log = log
        self._record = self._load()

    def is_closed(self, proof: SecretBytes) -> bool:
        """Tell whether this very credential was refused and may not be tried now."""
        record = self._record
        if record is None or not hmac.compare_digest(record.digest, self._hash(record.salt, proof)):
            return False
        now = self._clock.wall()
        # A clock that went back must not prolong a hold.
        return record.until is None or record.refused_at <= now < record.until

    def check(self, proof: SecretBytes) -> None:
        """Raise UpstreamError (refused) when the latch is closed for this credential."""
        if self.is_closed(proof) and self._record is not None:
            raise _refusal(self._record.reason, held=self._record.until is not None)

    def close(
        self, proof: SecretBytes, error: UpstreamError, *, minted: bool = False
    ) -> UpstreamError:
        """Remember a refused login and return the error that tells so. Blocks.

        A proof that the platform mints anew for each login is not known before it is sent: its
        refusal is held for a while.
        """
        definite = error.status == 401 and _LOCKED not in error.words and not minted
        now, salt = self._clock.wall(), secrets.token_hex(_SALT_BYTES)
        self._record = _Record(
            salt=salt,
            digest=self._hash(salt, proof),
            reason=error.words,
            refused_at=now,
            until=None if definite else now + HOLD_SECONDS,
        )
        try:
            replace_file(self._folder, self._name, msgspec.json.encode(self._record))
        except OSError as failure:
            self._log.error("refusal-not-saved", file=self._name, reason=failure.strerror)
        return _refusal(error.words, held=not definite, status=error.status)

    def open(self) -> None:
        """Forget a refusal: the credential works. Blocks."""
        if self._record is None:
            return
        self._record = None
        try:
            remove_file(self._folder, self._name)
        except OSError as failure:
            self._log.warning("refusal-not-removed", file=self._name, reason=failure.strerror)

    def _load(self) -> _Record | None:
        try:
            data = read_private_file(self._folder / self._name, FILE_BYTES)
            return msgspec.json.decode(data, type=_Record)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            reason = type(error).__name__
            self._log.warning("refusal-file-ignored", file=self._name, reason=reason)
            return None

    def _hash(self, salt: str, proof: SecretBytes) -> str:
        """Hash the credential and the server that refused it: another may accept it."""
        content = f"{salt}\0{self._api_url}\0".encode() + proof.reveal()
        return hashlib.sha256(content).hexdigest()


def _refusal(words: str, *, held: bool, status: int | None = None) -> UpstreamError:
    remedy = (
        f"not tried again within {HOLD_SECONDS} s: wait, or run psictl infisical login --retry"
        if held
        else "not tried again until the credential changes: correct it or run "
        "psictl infisical login --retry"
    )
    text = f"Infisical refuses the login ({ascii_line(words, 70)}); {remedy}"
    return UpstreamError(Kind.REFUSED, text, status=status, words=words)
