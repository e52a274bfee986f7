"""What psictl may change: make the key, and add, remove, renew and recover its slots.

Each change is worked out first, then written as a whole file, then taken over; one at a time.
A request that fails changes nothing.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from functools import partial

from psi.sealer.backends.recovery import RecoveryBackend, no_slot_opens
from psi.sealer.device_error import DeviceError
from psi.sealer.device_jobs import make_checked, reseal_all
from psi.sealer.device_session import DeviceSession
from psi.sealer.key_holder import KeyHolder
from psi.sealer.keys import Keys
from psi.sealer.keyslot_file import KeyslotFile
from psi.sealer.keyslot_store import KeyslotStore, provisioned
from psi.sealer.recovery_key import make_recovery_key, parse_recovery_key, print_recovery_key
from psi.sealer.slots import KEK_BYTES, Keyslot, SlotBody
from psi.shared.log import Log
from psi.shared.messages.sealer import MAX_SLOTS, SealerError
from psi.shared.secret import SecretBytes

Slots = tuple[Keyslot, ...]


class SlotKeeper:
    """Changes the keyslot file, under one lock."""

    def __init__(
        self,
        holder: KeyHolder,
        session: DeviceSession,
        store: KeyslotStore,
        log: Log,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._holder = holder
        self._session = session
        self._store = store
        self._log = log
        self._clock = clock
        self._lock = asyncio.Lock()

    async def provision(self, *, recovery: bool, force: bool) -> SecretBytes | None:
        """Make a key and its first slots; return the printed recovery key, if one was asked for.

        Raises DeviceError: PROVISIONED without force, FULL, or what the device says.
        """
        async with self._lock:
            if not force and await asyncio.to_thread(self._store.exists):
                raise provisioned()
            kek = SecretBytes(secrets.token_bytes(KEK_BYTES))
            keys = self._holder.derive(kek)
            body = await self._session.run(partial(make_checked, kek=kek))
            slots: Slots = (self._slot(0, body),)
            printed: SecretBytes | None = None
            if recovery:
                body, printed = await asyncio.to_thread(_recovery_slot, kek)
                slots += (self._slot(1, body),)
            file = KeyslotFile.build(keys, slots)
            await asyncio.to_thread(self._write_first, file, force=force)
            self._holder.adopt(file, keys, 0)
            return printed

    async def add(self, *, recovery: bool) -> tuple[int, SecretBytes | None]:
        """Add a slot; return its number and the printed key, if it is a recovery slot.

        Raises DeviceError: FULL, or why the key cannot be opened or wrapped.
        """
        async with self._lock:
            keys = await self._holder.keys(insist=True)
            slots = self._holder.require_file().slots
            number = _free(slots)
            printed: SecretBytes | None = None
            if recovery:
                body, printed = await asyncio.to_thread(_recovery_slot, keys.kek)
            else:
                body = await self._session.run(partial(make_checked, kek=keys.kek))
            added = (*slots, self._slot(number, body))
            await self._save(keys, added, self._holder.opened_by)
            return number, printed

    async def remove(self, number: int) -> None:
        """Remove a slot; raises DeviceError: UNKNOWN_SLOT, LAST_SLOT, FULL, or a closed key."""
        async with self._lock:
            keys = await self._holder.keys(insist=True)
            slots = self._holder.require_file().slots
            left = tuple(slot for slot in slots if slot.number != number)
            if len(left) == len(slots):
                detail = f"there is no slot {number}; psictl cache slots lists them"
                raise DeviceError(SealerError.UNKNOWN_SLOT, detail)
            if not left:
                detail = (
                    "the last slot stays: without it all that was sealed is lost; add one first"
                )
                raise DeviceError(SealerError.LAST_SLOT, detail)
            opened_by = self._holder.opened_by
            await self._save(keys, left, None if opened_by == number else opened_by)

    async def recover(self, typed: SecretBytes) -> None:
        """Open the key by a printed one and make a slot for the configured device.

        No slot is removed: the device that is away may come back. Raises DeviceError:
        BAD_RECOVERY_KEY, FULL, CORRUPT, or what the device says.
        """
        async with self._lock:
            file = await self._holder.reread()
            number = _free(file.slots)
            recovery = RecoveryBackend(parse_recovery_key(typed))
            kek = await asyncio.to_thread(_open_recovery, recovery, file.slots)
            keys = self._holder.derive(kek)
            file.verify(keys)
            body = await self._session.run(partial(make_checked, kek=kek))
            await self._save(keys, (*file.slots, self._slot(number, body)), number)

    async def reseal(self, approve: bytes | None) -> None:
        """Bind this device's slots to the boot state as it is, or approve one to come.

        Raises DeviceError: why the key is closed, UNSUPPORTED, OTHER_DEVICE, FULL.
        """
        async with self._lock:
            keys = await self._holder.keys(insist=True)
            slots = self._holder.require_file().slots
            job = partial(reseal_all, slots=slots, kek=keys.kek, approve=approve)
            fresh = await self._session.run(job)
            renewed = tuple(
                self._slot(slot.number, fresh[slot.number]) if slot.number in fresh else slot
                for slot in slots
            )
            await self._save(keys, renewed, self._holder.opened_by)

    def _slot(self, number: int, body: SlotBody) -> Keyslot:
        return Keyslot(number=number, created_at=self._clock(), body=body)

    async def _save(self, keys: Keys, slots: Slots, opened_by: int | None) -> None:
        file = KeyslotFile.build(keys, slots)
        await asyncio.to_thread(self._store.replace, file, self._holder.file)
        self._holder.adopt(file, keys, opened_by)

    def _write_first(self, file: KeyslotFile, *, force: bool) -> None:
        if not force:
            return self._store.create(file)
        kept = self._store.keep_copy()
        self._store.replace(file)
        if kept is not None:
            self._log.warning("keyslots.replaced", kept=kept)
        return None


def _free(slots: Slots) -> int:
    taken = {slot.number for slot in slots}
    for number in range(MAX_SLOTS):
        if number not in taken:
            return number
    detail = f"all {MAX_SLOTS} keyslots are taken: remove one with psictl cache remove-slot"
    raise DeviceError(SealerError.FULL, detail)


def _recovery_slot(kek: SecretBytes) -> tuple[SlotBody, SecretBytes]:
    key = make_recovery_key()
    return make_checked(RecoveryBackend(key), kek), print_recovery_key(key)


def _open_recovery(recovery: RecoveryBackend, slots: Slots) -> SecretBytes:
    for slot in slots:
        if slot.kind != "recovery":
            continue
        try:
            return recovery.open_slot(slot.body)
        except DeviceError as error:
            if error.code is not SealerError.BAD_RECOVERY_KEY:
                raise
    raise no_slot_opens()
