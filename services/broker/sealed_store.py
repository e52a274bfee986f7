"""Local secrets: bootstrap values that cannot come from Infisical, kept encrypted.

Each is a file of its own below ``sealed/``, with its name authenticated, opened at start and
kept in memory. A mapping to one is accepted only for a moment after root's psictl has sealed
it: a compromised frontend cannot name one under an id of its own (r5).
"""

import asyncio
from contextlib import suppress
from pathlib import Path

from psi.broker.cache_file import read_whole
from psi.broker.envelope import DamagedEnvelope, parse, seal, unseal
from psi.broker.infisical.clock import Clock
from psi.broker.sealer_client import SealerClient
from psi.shared.atomic_file import create_file, replace_file
from psi.shared.errors import InvalidName, PsiError, Refusal
from psi.shared.limits import MIB, Limits
from psi.shared.log import Log
from psi.shared.messages.broker import BrokerError
from psi.shared.names import parse_environment_name
from psi.shared.secret import SecretBytes

_MODE = 0o700
_GENERATION = 1
"""Of a sealed secret's key: its file is written whole each time, with a fresh key."""
_UNOPENED = "not opened yet; try again in a moment"
_MAX_BYTES = 1 * MIB
"""A value of 511,999 bytes and its header."""


class SealedStore:
    """Sealed secrets by name."""

    def __init__(
        self, folder: Path, sealer: SealerClient | None, limits: Limits, clock: Clock, log: Log
    ) -> None:
        self._folder = folder
        self._sealer = sealer
        self._limits = limits
        self._clock = clock
        self._log = log
        self._values: dict[str, SecretBytes] = {}
        self._closed: dict[str, str] = {}
        self._expected: dict[str, float] = {}
        self._storing = asyncio.Lock()
        self.tried = asyncio.Event()
        """Every file was found, and opened or found not to open for now."""

    async def run(self) -> None:
        """Open every file, again and again: one may be repaired, or its key recovered."""
        for name in await asyncio.to_thread(self._names):
            if name not in self._values:
                self._closed[name] = _UNOPENED
        while self._closed:
            for name in tuple(self._closed):
                await self._open_one(name)
            self.tried.set()
            await asyncio.sleep(self._limits.device_retry_seconds)
        self.tried.set()

    def _names(self) -> list[str]:
        try:
            found = sorted(path.name for path in self._folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            self._log.error("sealed.unreadable", cause=error.strerror)
            return []
        return [name for name in found if _is_name(name)]

    async def _open_one(self, name: str) -> None:
        try:
            value = await self._open(name)
        except PsiError as error:
            self._stays_closed(name, str(error))
        except DamagedEnvelope as error:
            remedy = f"seal it anew: psictl seal --force {name}"
            self._stays_closed(name, f"its file is damaged: {error}; {remedy}")
        except OSError as error:
            self._stays_closed(name, f"its file cannot be read: {error.strerror}; see its owner")
        else:
            # One that was sealed anew meanwhile is newer than the file that was read.
            if self._closed.pop(name, None) is not None:
                self._values[name] = value

    def _stays_closed(self, name: str, cause: str) -> None:
        if self._closed.get(name, cause) != cause:
            self._log.error("sealed.closed", name=name, cause=cause)
            self._closed[name] = cause

    async def _open(self, name: str) -> SecretBytes:
        blob = await asyncio.to_thread(read_whole, self._folder / name, _MAX_BYTES)
        envelope = parse("sealed-secret", blob or b"")
        key = await self._client().unwrap("sealed-secret", envelope.generation, envelope.wrapped)
        return SecretBytes(unseal(envelope, key, name))

    def get(self, name: str) -> SecretBytes | None:
        """Return an opened value, from memory."""
        return self._values.get(name)

    async def fetch(self, name: str) -> SecretBytes:
        """Return a value as soon as all were tried; raises Refusal.

        A container may start in the moment before they are: it waits, at most ``miss_seconds``.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.miss_seconds):
                await self.tried.wait()
        value = self._values.get(name)
        if value is None:
            raise self.refusal(name)
        return value

    def refusal(self, name: str) -> Refusal:
        """Return why there is no value of this name."""
        if name in self._closed or not self.tried.is_set():
            cause = self._closed.get(name, _UNOPENED)
            return Refusal(BrokerError.SEALER, f"sealed secret {name}: {cause}")
        detail = f"there is no sealed secret {name}; run psictl seal {name}"
        return Refusal(BrokerError.ABSENT, detail)

    def expects(self, name: str) -> bool:
        """Whether a mapping to this name may be stored now: psictl has just sealed it."""
        return self._clock.boot() < self._expected.get(name, 0.0)

    def registered(self, name: str) -> None:
        """Note that the mapping has come: another would be somebody else's."""
        self._expected.pop(name, None)

    async def store(self, name: str, value: SecretBytes, *, replace: bool) -> None:
        """Encrypt and keep a value; raises Refusal: BAD_VALUE, EXISTS, SEALER, FULL."""
        if len(value) == 0:
            raise Refusal(BrokerError.BAD_VALUE, "the value is empty, which Podman cannot hold")
        async with self._storing:
            if not replace and (name in self._values or name in self._closed):
                raise _exists(name)
            try:
                await self._seal(name, value, replace=replace)
            except FileExistsError:
                raise _exists(name) from None
            except PsiError as error:
                raise Refusal(BrokerError.SEALER, str(error)) from error
            except OSError as error:
                detail = f"it cannot be written: {error.strerror}; see df and the folder's owner"
                raise Refusal(BrokerError.FULL, detail) from error
            self._values[name] = value
            self._closed.pop(name, None)
            self._expected[name] = self._clock.boot() + self._limits.registration_seconds

    async def _seal(self, name: str, value: SecretBytes, *, replace: bool) -> None:
        client = self._client()
        ready = await client.fresh_key("sealed-secret", _GENERATION)
        blob = seal("sealed-secret", client.tag, ready, value.reveal(), name)
        await asyncio.to_thread(self._write, name, blob, replace=replace)

    def _write(self, name: str, blob: bytes, *, replace: bool) -> None:
        """Write the file; raises FileExistsError for one that the start has not seen yet."""
        self._folder.mkdir(mode=_MODE, exist_ok=True)
        (replace_file if replace else create_file)(self._folder, name, blob)

    def _client(self) -> SealerClient:
        if self._sealer is None:
            remedy = "set cache.backend to tpm or hsm, run psictl apply and psictl cache init"
            raise Refusal(BrokerError.SEALER, f"no sealer is configured; {remedy}")
        return self._sealer

    def __len__(self) -> int:
        return len(self._values)


def _exists(name: str) -> Refusal:
    return Refusal(BrokerError.EXISTS, f"{name} is sealed already; replace it with --force")


def _is_name(name: str) -> bool:
    try:
        parse_environment_name(name)
    except InvalidName:
        return False
    return True
