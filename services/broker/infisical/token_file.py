"""A token that outlives a restart, in ``.token.{slot}.json`` of the state folder, mode 0600.

Where there is a sealer the file is encrypted; else only a token goes there that lives no longer
than PSI uses it (r7): whoever has a backup of the folder has a live credential.
"""

import asyncio
import math
import os
import stat
from pathlib import Path

import msgspec

from psi.broker.infisical.sealing import Sealing
from psi.broker.infisical.token import Tenure, Token
from psi.broker.infisical.wire import Jwt
from psi.shared.atomic_file import remove_file, replace_file
from psi.shared.errors import PsiError
from psi.shared.limits import KIB
from psi.shared.log import Log
from psi.shared.secret import SecretBytes

FILE_BYTES = 16 * KIB
"""A token has about 1 KiB, and at most 8."""


class _Saved(msgspec.Struct, forbid_unknown_fields=True):
    access_token: Jwt
    obtained_at: float
    expires_at: float
    family_expires_at: float | None
    """None for a login whose tokens can be renewed without end."""
    api_url: str
    """A token is never shown to another server than the one that issued it."""


class TokenFile:
    """Reads and writes on a thread; a failure costs a login, no more."""

    def __init__(
        self, folder: Path, slot: str, api_url: str, log: Log, sealing: Sealing | None
    ) -> None:
        self._folder = folder
        self._sealing = sealing
        self._name = f".token.{slot}.json"
        self._api_url = api_url
        self._log = log

    def takes(self, token: Token, tenure: Tenure) -> bool:
        """Tell whether a token may be written (r7)."""
        return self._sealing is not None or token.life <= tenure.ttl

    async def load(self, tenure: Tenure) -> Token | None:
        """Return the token if it is whole, of this server and still alive.

        One from the future is ignored: the clock went back, so its end is unknown.
        """
        try:
            path = self._folder / self._name
            data = await asyncio.to_thread(read_private_file, path, FILE_BYTES)
            if self._sealing is not None:
                data = await self._sealing.open(self._name, data)
            saved = msgspec.json.decode(data, type=_Saved)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            reason = type(error).__name__
            self._log.warning("token-file-ignored", file=self._name, reason=reason)
            return None
        except PsiError as error:
            self._log.info("token-file-ignored", file=self._name, reason=error)
            return None
        if saved.api_url != self._api_url or saved.obtained_at > tenure.clock.wall():
            self._log.info("token-file-ignored", file=self._name, reason="other server or clock")
            return None
        return _restore(saved, tenure)

    async def save(self, token: Token) -> bool:
        """Write the token; tell whether it is on disk."""
        endless = math.isinf(token.family_expires_at)
        saved = _Saved(
            access_token=token.access.reveal().decode(),
            obtained_at=token.obtained_at,
            expires_at=token.expires_at,
            family_expires_at=None if endless else token.family_expires_at,
            api_url=self._api_url,
        )
        content = msgspec.json.encode(saved)
        try:
            if self._sealing is not None:
                content = await self._sealing.seal(self._name, content)
            await asyncio.to_thread(replace_file, self._folder, self._name, content)
        except (PsiError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self._log.warning("token-not-saved", file=self._name, reason=reason)
            return False
        return True

    async def remove(self) -> None:
        """Remove the file, if there is one."""
        try:
            await asyncio.to_thread(remove_file, self._folder, self._name)
        except OSError as error:
            self._log.warning("token-not-removed", file=self._name, reason=error.strerror)


def _restore(saved: _Saved, tenure: Tenure) -> Token | None:
    family = saved.family_expires_at
    token = tenure.make(
        SecretBytes(saved.access_token.encode()),
        obtained_at=saved.obtained_at,
        expires_at=saved.expires_at,
        family_expires_at=math.inf if family is None else family,
    )
    return token if tenure.is_alive(token) else None


def read_private_file(path: Path, limit: int) -> bytes:
    """Return a small regular file's bytes, following no link; raises OSError or ValueError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError("too large")
    return data
