"""A PIN is tried once, and not at all where the token has one attempt left (r14)."""

from pathlib import Path

import pkcs11
import pytest
from pkcs11 import TokenFlag

from psi.sealer.backends.pkcs11 import Pkcs11Backend
from psi.sealer.backends.pkcs11_session import Pkcs11Session
from psi.shared.messages.sealer import SealerError
from psi.shared.projection import Pkcs11Options
from psi.shared.secret import SecretBytes
from tests.fakes.devices.emulator import need
from tests.fakes.devices.softhsm import SPY, SoftHsmToken
from tests.fakes.devices.tpm2_pkcs11 import Tpm2Pkcs11
from tests.unit.sealer_pkcs11.in_own_process import run_lines
from tests.unit.sealer_pkcs11.setting import KEK, Token, backend, log_in, make, refused, unwrap

WRONG = "999999"
OPEN_AND_SAY = """
try:
    device.open()
    print("opened")
except DeviceError as error:
    print(error.code, error.retry, error.latch)
finally:
    device.close()
"""
LOGGED_IN_ALREADY = """
import pkcs11
other = pkcs11.lib(module).get_token(token_label=token_label).open(user_pin=pin)
device.open()
slot = device.make_slot(SecretBytes(bytes(32)))
print(len(device.open_slot(slot)))
device.close()
"""


class StubToken:
    """A token with flags and answers that no software token has."""

    def __init__(self, flags: TokenFlag, answer: pkcs11.PKCS11Error | None = None) -> None:
        self.flags = flags
        self.attempts = 0
        self._answer = answer

    def open(self, user_pin: str | None = None) -> object:
        self.attempts += user_pin is not None
        if self._answer is not None:
            raise self._answer
        return object()


def session(token: Token, pin: str | None = WRONG) -> Pkcs11Session:
    given = None if pin is None else SecretBytes(pin.encode())
    return Pkcs11Session(token.module, token.label, given)


@pytest.mark.parametrize(("pin", "said"), [(WRONG, "pin-refused False True"), ("123456", "opened")])
def test_a_pin_is_tried_exactly_once(
    own: SoftHsmToken, tmp_path: Path, pin: str, said: str
) -> None:
    need("softhsm", "opensc", SPY)
    record = tmp_path / "calls"
    spied = {"PKCS11SPY": own.module, "PKCS11SPY_OUTPUT": str(record)}
    answer = run_lines(OPEN_AND_SAY, own, pin, module=str(SPY), environment=spied)
    assert answer.strip() == said
    assert record.read_text().count("C_Login\n") == 1


def test_a_wrong_pin_is_latched_and_says_what_to_do(own: SoftHsmToken) -> None:
    error = refused(SealerError.PIN_REFUSED, log_in, backend(own, pin=WRONG))
    assert (error.retry, error.latch) == (False, True)
    assert "sealer.pkcs11.pin" in error.detail
    assert WRONG not in error.detail


def test_after_a_wrong_pin_the_right_one_opens(own: SoftHsmToken) -> None:
    slot = make(backend(own))
    refused(SealerError.PIN_REFUSED, log_in, backend(own, pin=WRONG))
    assert unwrap(backend(own), slot) == KEK


def test_a_locked_pin_is_named_and_latched(own_tpm: Tpm2Pkcs11) -> None:
    own_tpm.tpm.tool("tpm2_dictionarylockout", "-s", "-n", "2", "-t", "1000", "-l", "1000")
    for _ in range(2):
        refused(SealerError.PIN_REFUSED, log_in, backend(own_tpm, pin=WRONG))
    error = refused(SealerError.LOCKED_OUT, log_in, backend(own_tpm))
    assert (error.retry, error.latch) == (False, True)
    own_tpm.tpm.tool("tpm2_dictionarylockout", "-c")
    log_in(backend(own_tpm))


def test_a_locked_pin_is_not_tried(soft_rsa: SoftHsmToken) -> None:
    stub = StubToken(TokenFlag.LOGIN_REQUIRED | TokenFlag.USER_PIN_LOCKED)
    assert refused(SealerError.LOCKED_OUT, session(soft_rsa)._log_in, stub).latch
    assert stub.attempts == 0


def test_the_last_attempt_is_not_spent(soft_rsa: SoftHsmToken) -> None:
    low = TokenFlag.USER_PIN_COUNT_LOW
    stub = StubToken(TokenFlag.LOGIN_REQUIRED | low | TokenFlag.USER_PIN_FINAL_TRY)
    error = refused(SealerError.LOCKED_OUT, session(soft_rsa)._log_in, stub)
    assert error.latch
    assert "one PIN attempt left" in error.detail
    assert stub.attempts == 0


def test_with_attempts_left_one_is_made(soft_rsa: SoftHsmToken) -> None:
    stub = StubToken(TokenFlag.LOGIN_REQUIRED | TokenFlag.USER_PIN_COUNT_LOW)
    session(soft_rsa)._log_in(stub)  # type: ignore[arg-type]  # has what is used of a token
    assert stub.attempts == 1


def test_a_refusal_without_a_cause_is_latched(soft_rsa: SoftHsmToken) -> None:
    """The token is there: to try again could spend attempts."""
    stub = StubToken(TokenFlag.LOGIN_REQUIRED, pkcs11.GeneralError())
    error = refused(SealerError.WRONG_AUTHORISATION, session(soft_rsa)._log_in, stub)
    assert (error.retry, error.latch) == (False, True)
    assert "GeneralError" in error.detail
    assert stub.attempts == 1


def test_a_token_pulled_during_the_login_is_met_again(own: SoftHsmToken) -> None:
    own.pull()
    stub = StubToken(TokenFlag.LOGIN_REQUIRED, pkcs11.GeneralError())
    error = refused(SealerError.DEVICE_RESET, session(own)._log_in, stub)
    assert (error.retry, error.latch) == (True, False)


@pytest.mark.parametrize(
    "answer", [pkcs11.PinExpired(), pkcs11.PinLenRange(), pkcs11.UserPinNotInitialized()]
)
def test_other_refusals_of_a_pin_are_latched(
    soft_rsa: SoftHsmToken, answer: pkcs11.PKCS11Error
) -> None:
    stub = StubToken(TokenFlag.LOGIN_REQUIRED, answer)
    assert refused(SealerError.PIN_REFUSED, session(soft_rsa)._log_in, stub).latch


def test_a_second_login_is_success(own: SoftHsmToken) -> None:
    assert run_lines(LOGGED_IN_ALREADY, own, own.pin).strip() == "32"


def test_without_a_pin_it_is_missing(soft_rsa: SoftHsmToken) -> None:
    error = refused(SealerError.PIN_MISSING, log_in, backend(soft_rsa, pin=None))
    assert "sealer.pkcs11.pin_credential" in error.detail
    assert not error.retry


def test_a_token_that_wants_no_pin_gets_none(soft_rsa: SoftHsmToken) -> None:
    stub = StubToken(TokenFlag.TOKEN_INITIALIZED)
    session(soft_rsa, None)._log_in(stub)  # type: ignore[arg-type]  # has what is used of a token
    assert stub.attempts == 0


def test_the_pin_may_stand_in_the_options(soft_rsa: SoftHsmToken) -> None:
    options = Pkcs11Options(
        module=soft_rsa.module,
        token_label=soft_rsa.label,
        key_label=soft_rsa.key_label,
        pin=SecretBytes(soft_rsa.pin.encode()),
    )
    log_in(Pkcs11Backend(options, None))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_end_after_the_pin_is_not_part_of_it(soft_rsa: SoftHsmToken, end: str) -> None:
    log_in(backend(soft_rsa, pin=soft_rsa.pin + end))


@pytest.mark.parametrize("pin", [b"", b"\n", b"\xff\xfe"])
def test_a_pin_that_cannot_be_one_is_not_tried(soft_rsa: SoftHsmToken, pin: bytes) -> None:
    error = refused(SealerError.PIN_REFUSED, log_in, backend(soft_rsa, pin=pin))
    assert "not tried" in error.detail
