"""What the TPM tests share."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest

from psi.sealer.backends.tpm import TpmBackend
from psi.sealer.device_error import DeviceError
from psi.sealer.slots import TpmSlot
from psi.shared.messages.sealer import SealerError
from psi.shared.projection import TpmOptions
from psi.shared.secret import SecretBytes
from tests.fakes.devices.swtpm import SwTpm

Policy = Literal["none", "pcr", "authorized"]
KEK = SecretBytes(bytes(range(100, 132)))
PCR = 7


def backend(
    tpm: SwTpm | str, policy: Policy = "none", pcrs: tuple[int, ...] = (PCR,)
) -> TpmBackend:
    tcti = tpm if isinstance(tpm, str) else tpm.tcti
    return TpmBackend(TpmOptions(tcti=tcti, policy=policy, pcrs=list(pcrs)))


@contextmanager
def opened(device: TpmBackend) -> Iterator[TpmBackend]:
    """As the sealer does it: open, some calls, close."""
    try:
        device.open()
        yield device
    finally:
        device.close()


def make(device: TpmBackend) -> TpmSlot:
    with opened(device):
        return device.make_slot(KEK)


def unseal(device: TpmBackend, slot: TpmSlot) -> SecretBytes:
    with opened(device):
        return device.open_slot(slot)


def reseal(device: TpmBackend, slot: TpmSlot, approve: bytes | None = None) -> TpmSlot:
    with opened(device):
        return device.reseal(slot, KEK, approve)


def refused(code: SealerError, attempt: Callable[..., Any], *arguments: Any) -> DeviceError:
    """Return the failure of an attempt, which must have this code and fit a header line."""
    with pytest.raises(DeviceError) as raised:
        attempt(*arguments)
    error = raised.value
    assert error.code is code, error.detail
    assert error.detail.isascii()
    assert not error.detail.endswith("..."), error.detail
    return error


def extended(value: bytes = bytes(32), by: bytes = b"\x01" * 32) -> bytes:
    """Return the digest over one PCR after it was extended, as it is known before an update."""
    return hashlib.sha256(hashlib.sha256(value + by).digest()).digest()


def assert_nothing_left(tpm: SwTpm) -> None:
    """Nothing that the backend loaded is still in the TPM."""
    assert tpm.tool("tpm2_getcap", "handles-transient").strip() == ""
    assert tpm.tool("tpm2_getcap", "handles-loaded-session").strip() == ""
