"""Every answer of the table has its code, whatever handle, parameter or layer comes with it."""

import pytest
from tpm2_pytss import TSS2_Exception

from psi.sealer.backends.tpm_errors import explain, explained, explained_blob
from psi.sealer.device_error import DeviceError
from psi.shared.messages.sealer import SealerError

RETRIED = {SealerError.DEVICE_BUSY, SealerError.DEVICE_RESET, SealerError.DEVICE_UNAVAILABLE}
ANSWERS = {
    0x99D: SealerError.BOOT_STATE,  # session 1
    0x1C4: SealerError.BOOT_STATE,  # parameter 1
    0x128: SealerError.BOOT_STATE,
    0x98E: SealerError.WRONG_AUTHORISATION,
    0x9A2: SealerError.WRONG_AUTHORISATION,
    0x921: SealerError.LOCKED_OUT,
    0x1DF: SealerError.CORRUPT,
    0x902: SealerError.DEVICE_BUSY,
    0x903: SealerError.DEVICE_BUSY,
    0x905: SealerError.DEVICE_BUSY,
    0x922: SealerError.DEVICE_BUSY,
    0x910: SealerError.DEVICE_RESET,
    0x918: SealerError.DEVICE_RESET,
    0x100: SealerError.DEVICE_UNAVAILABLE,
    0x101: SealerError.DEVICE_UNAVAILABLE,
    0x143: SealerError.UNSUPPORTED,
    0xA000A: SealerError.DEVICE_RESET,
    0x70007: SealerError.DEVICE_RESET,
    0x90006: SealerError.CORRUPT,
}


@pytest.mark.parametrize(("answer", "code"), ANSWERS.items())
def test_an_answer_has_its_code(answer: int, code: SealerError) -> None:
    error = explain(TSS2_Exception(answer))
    assert error.code is code
    assert error.retry == (code in RETRIED)


@pytest.mark.parametrize("answer", [0x902, 0x910, 0x921, 0x128, 0x99D])
def test_the_resource_manager_passes_it_on(answer: int) -> None:
    assert explain(TSS2_Exception(0xB0000 | answer)).code is ANSWERS[answer]


def test_an_unknown_answer_shows_its_number() -> None:
    error = explain(TSS2_Exception(0x14A))
    assert error.code is SealerError.INTERNAL
    assert "0x14a" in error.detail


def test_what_is_said_of_a_blob_is_damage() -> None:
    with pytest.raises(DeviceError) as raised, explained_blob():
        raise TSS2_Exception(0x1D5)
    assert raised.value.code is SealerError.CORRUPT


def test_the_same_of_our_own_values_is_not() -> None:
    with pytest.raises(DeviceError) as raised, explained():
        raise TSS2_Exception(0x1D5)
    assert raised.value.code is SealerError.INTERNAL


def test_a_busy_tpm_is_not_a_damaged_blob() -> None:
    with pytest.raises(DeviceError) as raised, explained_blob():
        raise TSS2_Exception(0x902)
    assert raised.value.code is SealerError.DEVICE_BUSY
