"""The TPM fails while in use: reset, killed, full, locked; and works again afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace
from tpm2_pytss import (
    ESAPI,
    ESYS_TR,
    TPM2_SE,
    TPM2_SU,
    TPM2B_PUBLIC,
    TPM2B_SENSITIVE_CREATE,
    TPMA_OBJECT,
    TPMS_SENSITIVE_CREATE,
)

from psi.sealer.device_error import DeviceError
from psi.sealer.slots import TpmSlot
from psi.shared.messages.sealer import SealerError
from tests.fakes.devices.emulator import run
from tests.fakes.devices.swtpm import SwTpm
from tests.unit.sealer_tpm.setting import (
    KEK,
    assert_nothing_left,
    backend,
    make,
    opened,
    refused,
    unseal,
)

OBJECT_SLOTS = 3
SESSION_SLOTS = 3
MAX_TRIES = 3


def test_killed_in_use_it_is_reset_and_opens_again(tpm: SwTpm) -> None:
    device = backend(tpm)
    slot = make(device)
    with opened(device):
        tpm.kill()
        assert refused(SealerError.DEVICE_RESET, device.open_slot, slot).retry
        # libtss2 answers 0x70007 from now on.
        assert refused(SealerError.DEVICE_RESET, device.open_slot, slot).retry
    assert refused(SealerError.DEVICE_UNAVAILABLE, device.open).retry
    device.close()
    tpm.start()
    assert unseal(device, slot) == KEK


def test_restarted_in_use_it_is_reset_and_opens_again(tpm: SwTpm) -> None:
    device = backend(tpm)
    slot = make(device)
    with opened(device):
        tpm.restart()
        assert refused(SealerError.DEVICE_RESET, device.open_slot, slot).retry
    assert unseal(device, slot) == KEK


def test_reset_behind_the_connection_it_is_opened_anew(tpm: SwTpm) -> None:
    device = backend(tpm)
    slot = make(device)
    with opened(device):
        run(["swtpm_ioctl", "-i", "--unix", str(tpm.control)])
        assert refused(SealerError.DEVICE_UNAVAILABLE, device.open_slot, slot).retry
        device._session.esapi.startup(TPM2_SU.CLEAR)
        assert refused(SealerError.DEVICE_RESET, device.open_slot, slot).retry
    assert unseal(device, slot) == KEK
    assert_nothing_left(tpm)


def test_opening_twice_lets_go_of_the_first(tpm: SwTpm) -> None:
    device = backend(tpm)
    device.open()
    with opened(device):
        assert device.open_slot(device.make_slot(KEK)) == KEK
    assert_nothing_left(tpm)


def test_closing_twice_or_unopened_is_nothing(tpm: SwTpm) -> None:
    device = backend(tpm)
    device.close()
    with opened(device):
        pass
    device.close()


def test_without_room_for_objects_it_is_busy(tpm: SwTpm) -> None:
    device = backend(tpm)
    slot = make(device)
    with ESAPI(tpm.tcti) as other:
        for _ in range(OBJECT_SLOTS):
            other.create_primary(None, "ecc")
    assert refused(SealerError.DEVICE_BUSY, unseal, device, slot).retry
    tpm.tool("tpm2_flushcontext", "--transient-object")
    assert unseal(device, slot) == KEK


def test_without_room_for_one_more_object_it_is_busy_and_leaves_nothing(tpm: SwTpm) -> None:
    device = backend(tpm)
    slot = make(device)
    with ESAPI(tpm.tcti) as other:
        for _ in range(OBJECT_SLOTS - 1):
            other.create_primary(None, "ecc")
    assert refused(SealerError.DEVICE_BUSY, unseal, device, slot).retry
    tpm.tool("tpm2_flushcontext", "--transient-object")
    assert_nothing_left(tpm)


def test_without_room_for_sessions_it_is_busy(tpm: SwTpm) -> None:
    device = backend(tpm)
    slot = make(device)
    with ESAPI(tpm.tcti) as other:
        for _ in range(SESSION_SLOTS):
            _session(other)
    assert refused(SealerError.DEVICE_BUSY, unseal, device, slot).retry
    tpm.tool("tpm2_flushcontext", "--loaded-session")
    assert unseal(device, slot) == KEK


def test_without_session_handles_it_is_busy(tpm: SwTpm) -> None:
    device = backend(tpm)
    slot = make(device)
    with ESAPI(tpm.tcti) as other:
        for _ in range(64):
            other.context_save(_session(other))
    assert refused(SealerError.DEVICE_BUSY, unseal, device, slot).retry
    tpm.restart()
    assert unseal(device, slot) == KEK


def test_an_owner_password_is_a_wrong_authorisation(tpm: SwTpm) -> None:
    slot = make(backend(tpm))
    tpm.tool("tpm2_changeauth", "-c", "owner", "password")
    error = refused(SealerError.WRONG_AUTHORISATION, unseal, backend(tpm), slot)
    assert "owner" in error.detail
    assert not error.retry
    tpm.tool("tpm2_changeauth", "-c", "owner", "-p", "password")
    assert unseal(backend(tpm), slot) == KEK


def test_a_password_on_the_object_is_refused_once_and_latched(tpm: SwTpm) -> None:
    slot = _with_password(tpm)
    error = refused(SealerError.WRONG_AUTHORISATION, unseal, backend(tpm), slot)
    assert error.latch
    assert not error.retry


def test_a_lockout_is_named_and_latched(tpm: SwTpm) -> None:
    slot = _with_password(tpm)
    error = _lock_out(tpm, slot)
    assert error.latch
    assert not error.retry
    assert "tpm2_dictionarylockout" in error.detail


def test_a_lockout_that_others_caused_does_not_shut_the_slot(tpm: SwTpm) -> None:
    ours, slot = make(backend(tpm)), _with_password(tpm)
    _lock_out(tpm, slot)
    assert unseal(backend(tpm), ours) == KEK
    assert unseal(backend(tpm, "authorized"), make(backend(tpm, "authorized"))) == KEK


def test_libtss2_says_nothing_on_stderr(tpm: SwTpm, capfd: pytest.CaptureFixture[str]) -> None:
    device = backend(tpm)
    slot = make(device)
    with opened(device):
        tpm.kill()
        refused(SealerError.DEVICE_RESET, device.open_slot, slot)
    assert capfd.readouterr() == ("", "")


@contextmanager
def _srk(tpm: SwTpm) -> Iterator[tuple[ESAPI, ESYS_TR]]:
    """Lend the backend's own storage root key."""
    device = backend(tpm)
    with opened(device):
        yield device._session.esapi, device._session._srk


def _session(esapi: ESAPI) -> ESYS_TR:
    return esapi.start_auth_session(ESYS_TR.NONE, ESYS_TR.NONE, TPM2_SE.HMAC, None, "sha256")


def _with_password(tpm: SwTpm) -> TpmSlot:
    """Return a slot whose object wants a password and counts wrong ones."""
    tpm.tool("tpm2_dictionarylockout", "-s", "-n", str(MAX_TRIES), "-t", "1000", "-l", "1000")
    attributes = TPMA_OBJECT.FIXEDTPM | TPMA_OBJECT.FIXEDPARENT | TPMA_OBJECT.USERWITHAUTH
    template = TPM2B_PUBLIC.parse("keyedhash", objectAttributes=attributes)
    sensitive = TPM2B_SENSITIVE_CREATE(
        TPMS_SENSITIVE_CREATE(userAuth=b"password", data=KEK.reveal())
    )
    slot = make(backend(tpm))
    with _srk(tpm) as (esapi, srk):
        private, public, *_ = esapi.create(srk, sensitive, template)
    return replace(slot, public=public.marshal(), private=private.marshal())


def _lock_out(tpm: SwTpm, slot: TpmSlot) -> DeviceError:
    for _ in range(MAX_TRIES):
        refused(SealerError.WRONG_AUTHORISATION, unseal, backend(tpm), slot)
    return refused(SealerError.LOCKED_OUT, unseal, backend(tpm), slot)
