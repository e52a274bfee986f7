"""What a TPM answers, as codes with cause and remedy.

The numbers are those of the TPM 2.0 Library specification, part 2, 6.6.3, and of the TSS 2.0
Overview specification, 3.12; each was met with swtpm 0.7.1 unless its comment says otherwise.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from tpm2_pytss import TSS2_Exception

from psi.sealer.device_error import DeviceError
from psi.shared.messages.sealer import SealerError

PCR_CHANGED: Final = 0x128
"""TPM_RC_PCR_CHANGED: a PCR was extended between the policy and its use."""
INTEGRITY: Final = 0x9F
"""TPM_RC_INTEGRITY: the blob was damaged, or wrapped by another key."""

_RESOURCE_MANAGER_MASK: Final = 0xFFF_F000
_RESOURCE_MANAGER_LAYER: Final = 0xB_0000
"""TSS2_RESMGR_TPM_RC_LAYER: a resource manager passes a TPM's code on under its own layer."""
_LAYER_MASK: Final = 0xFF_0000
_MARSHALLING_LAYER: Final = 0x9_0000
_NAMED_PCRS: Final = 8
"""So many fit the one line that a failure has."""
_PARAMETER_OR_HANDLE: Final = 0x80
"""TPM_RC_FMT1: the code is about something that was sent."""


class _Meaning(NamedTuple):
    code: SealerError
    detail: str
    retry: bool = False
    latch: bool = False


_BOOT_STATE = _Meaning(
    SealerError.BOOT_STATE,
    "the measured boot state is not one that the slot was sealed to; if you changed it, run "
    "psictl cache reseal while the key is open, else psictl cache recover",
)
_BUSY = _Meaning(
    SealerError.DEVICE_BUSY,
    "the TPM is busy or out of memory for objects and sessions; it is tried again by itself: "
    "use /dev/tpmrm0, and end what else holds the TPM",
    retry=True,
)
_RESET = _Meaning(
    SealerError.DEVICE_RESET,
    "the TPM was reset or lost its connection while in use; it is opened anew by itself: if "
    "that does not help, see the kernel's log for tpm",
    retry=True,
)
_CORRUPT = _Meaning(
    SealerError.CORRUPT,
    "the slot's sealed blob is damaged: restore the keyslot file, or run psictl cache recover",
)
_LOCKED_OUT = _Meaning(
    SealerError.LOCKED_OUT,
    "the TPM is in dictionary-attack lockout; wait for it to pass, or reset it with "
    "tpm2_dictionarylockout -c, then restart psi-sealer",
    latch=True,
)
_WRONG_AUTHORISATION = _Meaning(
    SealerError.WRONG_AUTHORISATION,
    "the TPM wants an authorisation that PSI does not have: PSI needs the owner hierarchy "
    "without a password (tpm2_changeauth -c owner)",
)
_FAILED = _Meaning(
    SealerError.DEVICE_UNAVAILABLE,
    "the TPM failed its self-test or was not started by the firmware; it is tried again by "
    "itself: power the host off and on",
    retry=True,
)
_UNSUPPORTED = _Meaning(
    SealerError.UNSUPPORTED,
    "the TPM lacks an algorithm or command that PSI needs: ECC P-256, AES-128-CFB, SHA-256 and "
    "sealed objects of TPM 2.0",
)

_MEANINGS: Final[dict[int, _Meaning]] = {
    0x09D: _BOOT_STATE,  # policy check failed, at unseal
    0x084: _BOOT_STATE,  # value, at TPM2_PolicyPCR with an expected digest
    PCR_CHANGED: _BOOT_STATE,  # again after a retry: something measures without end
    0x08E: _WRONG_AUTHORISATION._replace(latch=True),  # this one counts towards a lockout
    0x0A2: _WRONG_AUTHORISATION,
    0x921: _LOCKED_OUT,
    INTEGRITY: _CORRUPT,
    # Objects, sessions, memory and handles of both; by reading: yielded, rate, retry, NV away.
    **dict.fromkeys(range(0x902, 0x907), _BUSY),
    **dict.fromkeys((0x908, 0x909, 0x920, 0x922, 0x923), _BUSY),
    # A handle or session that the TPM no longer knows.
    **dict.fromkeys(range(0x910, 0x91F), _RESET),
    0x100: _FAILED,
    0x101: _FAILED,  # by reading: failure mode
    # By reading: asymmetric, hash, key size, mode, curve, symmetric, command code.
    **dict.fromkeys((0x081, 0x083, 0x087, 0x089, 0x0A6, 0x096, 0x143), _UNSUPPORTED),
    # The connection: I/O error, used after one, malformed answer.
    0xA000A: _RESET,
    0x70007: _RESET,
    0xA0009: _RESET,
    0xA0008: _BUSY,
}


@contextmanager
def explained() -> Iterator[None]:
    """Turn what libtss2 raises into a DeviceError."""
    try:
        yield
    except TSS2_Exception as error:
        raise explain(error) from error


@contextmanager
def explained_blob() -> Iterator[None]:
    """As :func:`explained`, where a blob of the slot was sent: what is refused is damaged."""
    try:
        yield
    except TSS2_Exception as error:
        number = _without_layer(error)
        if number & _PARAMETER_OR_HANDLE and number < 0x100:
            raise corrupt() from error
        raise explain(error) from error
    except ValueError as error:
        # tpm2-pytss itself, of an algorithm that it does not know.
        raise corrupt() from error


def explain(error: TSS2_Exception) -> DeviceError:
    """Return the failure that an answer stands for."""
    number = _without_layer(error)
    if number & _LAYER_MASK == _MARSHALLING_LAYER:
        return corrupt()
    meaning = _MEANINGS.get(number)
    if meaning is None:
        detail = f"the TPM answered {error.rc:#x} ({error}), which PSI does not know"
        return DeviceError(SealerError.INTERNAL, detail)
    return DeviceError(meaning.code, meaning.detail, retry=meaning.retry, latch=meaning.latch)


def corrupt() -> DeviceError:
    """Return the failure of a slot whose blobs are not what this version wrote."""
    return DeviceError(_CORRUPT.code, _CORRUPT.detail)


def boot_state(pcrs: list[int]) -> DeviceError:
    """Return the failure of a boot state that no one approved."""
    named = ",".join(map(str, pcrs)) if len(pcrs) <= _NAMED_PCRS else f"(any of {len(pcrs)})"
    return DeviceError(_BOOT_STATE.code, f"PCR {named}: {_BOOT_STATE.detail}")


def other_device() -> DeviceError:
    """Return the failure of a slot whose storage root key is not this TPM's."""
    detail = (
        "the slot was sealed by another TPM, or this one was cleared since: run psictl cache "
        "recover with the recovery key, or move the disk back"
    )
    return DeviceError(SealerError.OTHER_DEVICE, detail)


def number_of(error: TSS2_Exception) -> int:
    """Return the code without handle, parameter, session and resource manager's layer."""
    return _without_layer(error)


def _without_layer(error: TSS2_Exception) -> int:
    number = int(error.error)
    if number & _RESOURCE_MANAGER_MASK == _RESOURCE_MANAGER_LAYER:
        return number & ~_RESOURCE_MANAGER_LAYER
    return number
