"""Modules and tokens that are missing, pulled or reset, and come back."""

from pathlib import Path

import pkcs11
import pytest

from psi.sealer.backends.pkcs11_errors import explain
from psi.shared.messages.sealer import SealerError
from tests.fakes.devices.softhsm import SoftHsmToken
from tests.fakes.devices.tpm2_pkcs11 import Tpm2Pkcs11
from tests.unit.sealer_pkcs11.setting import (
    KEK,
    Token,
    backend,
    log_in,
    make,
    opened,
    refused,
    unwrap,
)

OPENSC = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"


def unavailable(token: Token, **changed: str) -> str:
    error = refused(SealerError.DEVICE_UNAVAILABLE, log_in, backend(token, **changed))
    assert error.retry
    assert not error.latch
    return error.detail


def test_a_missing_module_is_named(soft_rsa: SoftHsmToken) -> None:
    assert "No such file" in unavailable(soft_rsa, module="/usr/lib/no-module.so")


def test_a_file_that_is_no_library_is_named(soft_rsa: SoftHsmToken, tmp_path: Path) -> None:
    (tmp_path / "m.so").write_text("text")
    assert "sealer.pkcs11.module" in unavailable(soft_rsa, module=str(tmp_path / "m.so"))


def test_a_library_that_is_no_module_is_named(soft_rsa: SoftHsmToken) -> None:
    assert "cannot start" in unavailable(soft_rsa, module="/lib/x86_64-linux-gnu/libc.so.6")


def test_a_relative_module_is_refused(soft_rsa: SoftHsmToken) -> None:
    assert "whole path" in unavailable(soft_rsa, module="libsofthsm2.so")


def test_a_wrong_token_label_shows_those_that_are_there(soft_rsa: SoftHsmToken) -> None:
    detail = unavailable(soft_rsa, token_label="other")
    assert "no token is labelled other" in detail
    assert soft_rsa.label in detail


def test_without_a_reader_service_there_is_no_token(soft_rsa: SoftHsmToken) -> None:
    """OpenSC without pcscd finds nothing, and says nothing of the cause."""
    assert "pcscd" in unavailable(soft_rsa, module=OPENSC)


def test_two_tokens_of_one_label_are_refused(own: SoftHsmToken) -> None:
    arguments = ["--init-token", "--free", "--label", own.label]
    own.tool(*arguments, "--pin", own.pin, "--so-pin", "12345678")
    assert "2 tokens" in unavailable(own)


def test_a_wrong_key_label_is_a_missing_key(token: Token) -> None:
    error = refused(SealerError.KEY_MISSING, make, backend(token, key_label="other"))
    assert "no private key labelled other" in error.detail
    assert not error.retry


def test_a_deleted_key_is_missing(own: SoftHsmToken) -> None:
    slot = make(backend(own))
    own.remove_keys(own.key_label)
    refused(SealerError.KEY_MISSING, unwrap, backend(own), slot)


def test_a_pulled_token_is_reset_then_unavailable_then_opens(own: SoftHsmToken) -> None:
    device = backend(own)
    slot = make(device)
    with opened(device):
        own.pull()
        error = refused(SealerError.DEVICE_RESET, device.open_slot, slot)
        assert (error.retry, error.latch) == (True, False)
    unavailable(own)
    own.plug()
    assert unwrap(device, slot) == KEK


def test_a_token_pulled_while_a_slot_is_made_is_reset(own: SoftHsmToken) -> None:
    device = backend(own)
    with opened(device):
        own.pull()
        assert refused(SealerError.DEVICE_RESET, device.make_slot, KEK).retry


def test_a_tpm_killed_under_the_module_is_reset_then_opens(own_tpm: Tpm2Pkcs11) -> None:
    device = backend(own_tpm)
    slot = make(device)
    with opened(device):
        own_tpm.tpm.kill()
        assert refused(SealerError.DEVICE_RESET, device.open_slot, slot).retry
    unavailable(own_tpm)
    own_tpm.tpm.start()
    assert unwrap(device, slot) == KEK


def test_a_tpm_restarted_under_the_module_is_reset_then_opens(own_tpm: Tpm2Pkcs11) -> None:
    device = backend(own_tpm)
    slot = make(device)
    with opened(device):
        own_tpm.tpm.restart()
        assert refused(SealerError.DEVICE_RESET, device.open_slot, slot).retry
    assert unwrap(device, slot) == KEK


def test_a_tpm_killed_while_a_slot_is_made_is_reset(own_tpm: Tpm2Pkcs11) -> None:
    device = backend(own_tpm)
    with opened(device):
        own_tpm.tpm.kill()
        assert refused(SealerError.DEVICE_RESET, device.make_slot, KEK).retry


def test_closing_twice_or_unopened_is_nothing(soft_rsa: SoftHsmToken) -> None:
    device = backend(soft_rsa)
    device.close()
    log_in(device)
    device.close()


def test_opening_twice_lets_go_of_the_first(soft_rsa: SoftHsmToken) -> None:
    device = backend(soft_rsa)
    device.open()
    with opened(device):
        assert device.open_slot(device.make_slot(KEK)) == KEK


def test_it_opens_again_and_again(token: Token) -> None:
    """Nothing is left behind by an open and a close: sessions, logins, handles."""
    slot = make(backend(token))
    for _ in range(30):
        assert unwrap(backend(token), slot) == KEK


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (pkcs11.DeviceRemoved(), SealerError.DEVICE_RESET),
        (pkcs11.TokenNotPresent(), SealerError.DEVICE_RESET),
        (pkcs11.SessionHandleInvalid(), SealerError.DEVICE_RESET),
        (pkcs11.ObjectHandleInvalid(), SealerError.DEVICE_RESET),
        (pkcs11.GeneralError(), SealerError.DEVICE_RESET),
        (pkcs11.DeviceMemory(), SealerError.DEVICE_BUSY),
        (pkcs11.SessionCount(), SealerError.DEVICE_BUSY),
        (pkcs11.EncryptedDataInvalid(), SealerError.CORRUPT),
        (pkcs11.MechanismInvalid(), SealerError.INTERNAL),
    ],
)
def test_an_answer_has_its_code(answer: pkcs11.PKCS11Error, code: SealerError) -> None:
    error = explain(answer)
    assert error.code is code
    assert error.retry == (code in (SealerError.DEVICE_RESET, SealerError.DEVICE_BUSY))
