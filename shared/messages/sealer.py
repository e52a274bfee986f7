"""What the sealer can be asked: by the broker to wrap a data key, by psictl to keep its slots.

The sealer sees 32-byte data keys and key wrappings only: no value, no name, no file.
"""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta

from psi.shared.messages.base import Counter, Detail, Item, Reply, Request, ShortText, Timestamp
from psi.shared.secret import DataKey, SecretBytes

MAX_SLOTS = 8
"""Keyslots in the file, as LUKS1 had: a device or two, and recovery keys."""
MAX_WRAPPED_BYTES = 256
"""A wrapped data key: version, key id, nonce, 32 bytes and a tag are under 100."""

Purpose = Literal["cache", "token", "sealed-secret"]
"""What a data key is for; a key wrapped for one does not unwrap for another."""
Generation = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""Of the file that the key belongs to: an old wrapping does not fit a newer header."""
Wrapped = Annotated[bytes, Meta(min_length=1, max_length=MAX_WRAPPED_BYTES)]
SlotNumber = Annotated[int, Meta(ge=0, le=MAX_SLOTS - 1)]
SlotKind = Literal["tpm", "pkcs11", "software", "recovery"]
SealerState = Literal["open", "closed", "degraded", "unprovisioned"]
"""``closed``: hold per operation, and the device answered last; ``degraded``: it does not."""


class SealerError(StrEnum):
    """Why the sealer refuses: one code for each cause that has a remedy of its own."""

    UNPROVISIONED = "unprovisioned"
    """There is no keyslot file."""
    PROVISIONED = "provisioned"
    """There is one, and ``force`` was not given."""
    CORRUPT = "corrupt"
    """The keyslot file or a blob in it is damaged."""
    OTHER_KEY = "other-key"
    """The wrapping was made with another key-encryption key: of another host or provisioning."""
    CONTEXT = "context"
    """The wrapping was made for another purpose or generation, or was altered."""
    DEVICE_UNAVAILABLE = "device-unavailable"
    """No device node, no rights to it, no module, no token."""
    DEVICE_BUSY = "device-busy"
    """Out of memory, handles or sessions: try again."""
    DEVICE_RESET = "device-reset"
    """It was reset or pulled while in use; it is opened anew."""
    DEVICE_TIMEOUT = "device-timeout"
    """It did not answer within the deadline."""
    OTHER_DEVICE = "other-device"
    """The slot was not made by this device, or the device was cleared."""
    BOOT_STATE = "boot-state"
    """The measured boot state is not the one that the slot was sealed to."""
    WRONG_AUTHORISATION = "wrong-authorisation"
    """The device wants an authorisation that PSI does not have."""
    LOCKED_OUT = "locked-out"
    """Dictionary-attack lockout or a locked PIN: no quick retry."""
    PIN_REFUSED = "pin-refused"
    """The device refused the PIN; it is not tried again until it changes (r14)."""
    PIN_MISSING = "pin-missing"
    """No PIN is configured and the token wants one."""
    KEY_MISSING = "key-missing"
    """The token has no key of the configured label."""
    UNSUPPORTED = "unsupported"
    """The device lacks every mechanism that PSI can use."""
    BAD_RECOVERY_KEY = "bad-recovery-key"
    """The recovery key has a typing error, or opens no slot."""
    UNKNOWN_SLOT = "unknown-slot"
    """No slot has this number."""
    LAST_SLOT = "last-slot"
    """Removing it would lose the key-encryption key for good."""
    FULL = "slots-full"
    """All slots are taken, or the disk refuses."""
    DRAINING = "draining"
    """The sealer is stopping."""
    INTERNAL = "internal"
    """A fault of the sealer; its log has the cause."""


class WrapKey(Request, frozen=True):
    """Wrap a fresh data key, bound to its purpose and generation."""

    purpose: Purpose
    generation: Generation
    key: DataKey


class WrapKeyReply(Reply, frozen=True):
    """The wrapping, to be kept beside what the key encrypts."""

    wrapped: Wrapped


class UnwrapKey(Request, frozen=True):
    """Give back a data key."""

    purpose: Purpose
    generation: Generation
    wrapped: Wrapped


class UnwrapKeyReply(Reply, frozen=True):
    """The data key."""

    key: DataKey


class SealerStatus(Request, frozen=True):
    """How the sealer and its device are; no device is asked."""


class Slot(Item, frozen=True):
    """One keyslot, without its blob."""

    number: SlotNumber
    kind: SlotKind
    created_at: Timestamp
    mechanism: ShortText
    """``ecc-srk+pcr-authorized``, ``rsa-oaep-sha256``, ``ecdh-p256-hkdf``, ``scrypt`` and so on."""
    opens: bool
    """Whether it was the one that opened the key last."""


class SealerStatusReply(Reply, frozen=True):
    """State, last failure and counters."""

    state: SealerState
    backend: Literal["tpm", "pkcs11", "software"]
    hold: Literal["open", "per-operation"]
    code: Annotated[str, Meta(pattern=r"\A(?:[a-z][a-z-]{1,31})?\Z", max_length=32)]
    """A SealerError while degraded, else empty."""
    detail: Detail
    """Cause and remedy while degraded."""
    device_calls: Counter
    """Since the start: no lookup and no write may raise it with hold: open."""
    wraps: Counter
    unwraps: Counter
    protocol_errors: Counter
    """Connections closed without a reply: they broke the protocol, or may not be made."""
    slots: Annotated[list[Slot], Meta(max_length=MAX_SLOTS)]


class Provision(Request, frozen=True):
    """Make a key-encryption key and its first slots."""

    recovery: bool
    """Make a recovery slot too, and return its key once."""
    force: bool = False
    """Replace an existing keyslot file: what it wrapped is lost; a copy is kept beside."""


class ProvisionReply(Reply, frozen=True):
    """Done; the recovery key is shown once and kept nowhere."""

    recovery_key: SecretBytes | None


class AddSlot(Request, frozen=True):
    """Add a slot: for the configured device as it is now, or a recovery key."""

    kind: Literal["device", "recovery"]


class AddSlotReply(Reply, frozen=True):
    """The new slot's number, and the recovery key where it is one."""

    number: SlotNumber
    recovery_key: SecretBytes | None


class RemoveSlot(Request, frozen=True):
    """Remove a slot; the last one is refused."""

    number: SlotNumber


class Recover(Request, frozen=True):
    """Open the key by a recovery key and make a new slot for the configured device."""

    recovery_key: SecretBytes


class Reseal(Request, frozen=True):
    """Bind the device's slots to the boot state as it is now, or approve one that is to come."""

    approve: Annotated[bytes, Meta(min_length=32, max_length=32)] | None = None
    """SHA-256 over the future PCR values, as systemd-pcrlock or tpm2_pcrread would give them."""


class UnwrapForeign(Request, frozen=True):
    """Unwrap the key of a forerunner's blob with the token's RSA key (migration only)."""

    wrapped: Annotated[bytes, Meta(min_length=64, max_length=1024)]


class UnwrapForeignReply(Reply, frozen=True):
    """16 to 32 bytes: an AES key, never a value."""

    key: SecretBytes
