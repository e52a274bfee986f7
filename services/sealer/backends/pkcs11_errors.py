"""What a PKCS#11 module answers, as codes with cause and remedy (PKCS#11 2.40, 5.1).

What follows a wrong PIN or a pulled token differs between modules: SoftHSM 2.6.1, OpenSC and
tpm2-pkcs11 1.9 were looked at.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pkcs11

from psi.sealer.device_error import DeviceError
from psi.shared.messages.sealer import SealerError

PIN_REFUSALS: Final = (
    pkcs11.PinIncorrect,
    pkcs11.PinInvalid,
    pkcs11.PinLenRange,
    pkcs11.PinExpired,
)
_PULLED: Final = (
    pkcs11.DeviceRemoved,
    pkcs11.DeviceError,
    pkcs11.TokenNotPresent,
    pkcs11.TokenNotRecognised,
    pkcs11.SlotIDInvalid,
    pkcs11.SessionHandleInvalid,
    pkcs11.SessionClosed,
    pkcs11.ObjectHandleInvalid,
    pkcs11.KeyHandleInvalid,
    pkcs11.UserNotLoggedIn,
    pkcs11.GeneralError,
    pkcs11.FunctionFailed,
)
_BUSY: Final = (
    pkcs11.DeviceMemory,
    pkcs11.HostMemory,
    pkcs11.SessionCount,
    pkcs11.OperationActive,
    pkcs11.FunctionCancelled,
)
DAMAGE: Final = (
    pkcs11.EncryptedDataInvalid,
    pkcs11.EncryptedDataLenRange,
    pkcs11.DataInvalid,
    pkcs11.DataLenRange,
)
"""Of these the device says itself that it is the data; GeneralError may mean the same."""


@contextmanager
def explained() -> Iterator[None]:
    """Turn what python-pkcs11 raises into a DeviceError."""
    try:
        yield
    except pkcs11.PKCS11Error as error:
        raise explain(error) from error


def explain(error: pkcs11.PKCS11Error) -> DeviceError:
    """Return the failure that an answer stands for, outside a login."""
    if isinstance(error, _PULLED):
        return reset(_name(error))
    if isinstance(error, _BUSY):
        detail = (
            f"the token is busy or out of memory ({_name(error)}); it is tried again by itself: "
            "end what else uses it"
        )
        return DeviceError(SealerError.DEVICE_BUSY, detail, retry=True)
    if isinstance(error, DAMAGE):
        return corrupt()
    detail = f"the PKCS#11 module answered {_name(error)}, which PSI does not know"
    return DeviceError(SealerError.INTERNAL, detail)


def reset(cause: str) -> DeviceError:
    """Return the failure of a token that was pulled or reset while in use."""
    detail = (
        f"the token was pulled or reset while in use ({cause}); it is opened anew by "
        "itself: if that does not help, plug it in again and restart pcscd"
    )
    return DeviceError(SealerError.DEVICE_RESET, detail, retry=True)


def corrupt() -> DeviceError:
    """Return the failure of a slot that its own key does not open."""
    detail = (
        "the token has the right key, and it does not open the slot: the slot is damaged; "
        "restore the keyslot file, or run psictl cache recover"
    )
    return DeviceError(SealerError.CORRUPT, detail)


def unavailable(detail: str) -> DeviceError:
    """Return the failure of a module or token that is not there."""
    return DeviceError(SealerError.DEVICE_UNAVAILABLE, detail, retry=True)


def pin_refused(cause: str) -> DeviceError:
    """Return the failure of a PIN that is wrong; it is never tried twice by itself."""
    detail = (
        f"the token refused the PIN ({cause}), which is not tried again until it changes: correct "
        "the credential or sealer.pkcs11.pin, apply, restart psi-sealer"
    )
    return DeviceError(SealerError.PIN_REFUSED, detail, latch=True)


def pin_locked() -> DeviceError:
    """Return the failure of a PIN that too many attempts have locked."""
    detail = (
        "the token's PIN is locked after too many wrong ones; unlock it with the SO PIN "
        "(pkcs11-tool --login-type so --init-pin), then restart psi-sealer"
    )
    return DeviceError(SealerError.LOCKED_OUT, detail, latch=True)


def final_try() -> DeviceError:
    """Return the refusal to spend the last attempt that a token has left."""
    detail = (
        "the token has one PIN attempt left, which PSI does not spend: log in once by hand "
        "(pkcs11-tool --login --test) to reset the count, then restart psi-sealer"
    )
    return DeviceError(SealerError.LOCKED_OUT, detail, latch=True)


def login_failed(error: pkcs11.PKCS11Error) -> DeviceError:
    """Return the failure of a login without a cause, at a token that is still there."""
    detail = (
        f"the token refused the login with {_name(error)}, which names no cause; PSI does not "
        "spend another attempt: log in by hand (pkcs11-tool --login --test), restart psi-sealer"
    )
    return DeviceError(SealerError.WRONG_AUTHORISATION, detail, latch=True)


def _name(error: pkcs11.PKCS11Error) -> str:
    return type(error).__name__
