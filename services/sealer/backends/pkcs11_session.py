"""A session at a token, logged in with one attempt.

Used on one thread, for one job, then closed. All of it blocks: a Nitrokey HSM takes 20 to 30 s
to open. The PIN becomes a ``str``, which Python cannot wipe.
"""

import pkcs11
from pkcs11 import TokenFlag

from psi.sealer.backends.pkcs11_errors import (
    PIN_REFUSALS,
    explained,
    final_try,
    login_failed,
    pin_locked,
    pin_refused,
    reset,
)
from psi.sealer.backends.pkcs11_library import Library
from psi.sealer.device_error import DeviceError
from psi.shared.messages.sealer import SealerError
from psi.shared.secret import SecretBytes


class Pkcs11Session:
    """An open token; :meth:`open` it, and :meth:`close` it whatever happened."""

    def __init__(self, module: str, token_label: str, pin: SecretBytes | None) -> None:
        self._library = Library(module)
        self._label = token_label
        self._pin = pin
        self._token: pkcs11.Token | None = None
        self._session: pkcs11.Session | None = None

    def open(self) -> None:
        """Find the token and log in, exactly once.

        Raises DeviceError: DEVICE_UNAVAILABLE, DEVICE_BUSY and DEVICE_RESET (retry),
        PIN_MISSING, PIN_REFUSED, LOCKED_OUT and WRONG_AUTHORISATION (latch).
        """
        self._token = self._library.token(self._label)
        self._session = self._log_in(self._token)

    def close(self) -> None:
        """Log out and let go of everything. Raises nothing."""
        self._token = self._session = None
        self._library.finalize()

    @property
    def token(self) -> pkcs11.Token:
        """The token."""
        assert self._token is not None  # noqa: S101  # open comes first
        return self._token

    @property
    def session(self) -> pkcs11.Session:
        """The session."""
        assert self._session is not None  # noqa: S101  # open comes first
        return self._session

    def renew(self) -> None:
        """Take a fresh session: a failed operation may stay active in the old one.

        The old one is left to :meth:`close`: python-pkcs11 would log out with it.
        Raises PKCS11Error.
        """
        self._session = self.token.open()

    def pulled(self) -> bool:
        """Whether the token is gone; ends the session, since modules notice only when restarted."""
        try:
            self._library.token(self._label)
        except DeviceError:
            return True
        return False

    def _log_in(self, token: pkcs11.Token) -> pkcs11.Session:
        if self._pin is None:
            if token.flags & TokenFlag.LOGIN_REQUIRED:
                raise _pin_missing()
            with explained():
                return token.open()
        if token.flags & TokenFlag.USER_PIN_LOCKED:
            raise pin_locked()
        if token.flags & TokenFlag.USER_PIN_FINAL_TRY:
            raise final_try()
        return self._attempt(token, _text(self._pin))

    def _attempt(self, token: pkcs11.Token, pin: str) -> pkcs11.Session:
        try:
            return token.open(user_pin=pin)
        except pkcs11.UserAlreadyLoggedIn:
            with explained():
                return token.open()
        except PIN_REFUSALS as error:
            raise pin_refused(type(error).__name__) from error
        except pkcs11.PinLocked as error:
            raise pin_locked() from error
        except pkcs11.UserPinNotInitialized as error:
            raise pin_refused("it has none: see pkcs11-tool --init-pin") from error
        except pkcs11.PKCS11Error as error:
            raise self._login_failure(error) from error

    def _login_failure(self, error: pkcs11.PKCS11Error) -> DeviceError:
        """Tell a pulled token, which is met again by itself, from a refusal without a cause."""
        return reset(type(error).__name__) if self.pulled() else login_failed(error)


def _text(pin: SecretBytes) -> str:
    """Return the PIN without the line end that an editor or ``echo`` left."""
    try:
        text = pin.reveal().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise pin_refused("it is empty or no text, and was not tried")
    return text


def _pin_missing() -> DeviceError:
    detail = (
        "the token wants a PIN and none is configured: set sealer.pkcs11.pin_credential, or pin, "
        "and run psictl apply"
    )
    return DeviceError(SealerError.PIN_MISSING, detail)
