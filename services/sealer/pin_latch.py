"""Remembers a refused PIN, across restarts, so that it is tried exactly once (r14).

A token locks after three wrong PINs, and a service that restarts in a loop would do that. What
is kept is keyed by the host secret, which the state folder does not have: a PIN is short, and a
plain salted hash of it would be guessed in a moment.
"""

import hmac
import secrets
from pathlib import Path

import msgspec

from psi.sealer.device_error import DeviceError
from psi.sealer.keys import derive
from psi.sealer.slots import KEK_BYTES
from psi.shared.atomic_file import remove_file, replace_file
from psi.shared.limits import KIB
from psi.shared.log import Log
from psi.shared.messages.sealer import SealerError
from psi.shared.secret import SecretBytes

NAME = "pin-refused.json"
FILE_BYTES = 4 * KIB
"""A record has some 200 bytes."""
_SALT_BYTES = 16


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    salt: str
    digest: str


class PinLatch:
    """The latch of one PIN at one token, in ``pin-refused.json`` of the state folder.

    ``token`` names module and token: the same PIN may be right elsewhere. All of it but
    :meth:`check` blocks, and is used on the device thread.
    """

    def __init__(
        self, folder: Path, pin: SecretBytes, token: str, host_secret: SecretBytes, log: Log
    ) -> None:
        self._folder = folder
        self._pin = pin
        self._token = token
        self._host_secret = host_secret
        self._log = log
        self._record = self._load()

    def check(self) -> None:
        """Raise DeviceError (PIN_REFUSED) where this very PIN was refused."""
        record = self._record
        if record is None or not hmac.compare_digest(record.digest, self._digest(record.salt)):
            return
        detail = (
            "the token refused this PIN, which is not tried again until it changes: correct it and "
            f"restart psi-sealer, or remove {self._folder / NAME}"
        )
        raise DeviceError(SealerError.PIN_REFUSED, detail, latch=True)

    def close(self) -> None:
        """Remember that the token refused the PIN; in memory at least."""
        salt = secrets.token_hex(_SALT_BYTES)
        self._record = _Record(salt=salt, digest=self._digest(salt))
        try:
            replace_file(self._folder, NAME, msgspec.json.encode(self._record))
        except OSError as error:
            self._log.error("pin-refusal.not-saved", file=NAME, reason=error.strerror)

    def open(self) -> None:
        """Forget a refusal: the PIN is right."""
        if self._record is None:
            return
        self._record = None
        try:
            remove_file(self._folder, NAME)
        except OSError as error:
            self._log.warning("pin-refusal.not-removed", file=NAME, reason=error.strerror)

    def _load(self) -> _Record | None:
        try:
            with (self._folder / NAME).open("rb") as file:
                return msgspec.json.decode(file.read(FILE_BYTES), type=_Record)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            reason = type(error).__name__
            self._log.warning("pin-refusal.ignored", file=NAME, reason=reason)
            return None

    def _digest(self, salt: str) -> str:
        purpose = b"pin\0" + salt.encode() + b"\0" + self._token.encode()
        return derive(self._pin, self._host_secret, purpose, KEK_BYTES).hex()
