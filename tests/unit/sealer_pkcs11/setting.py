"""What the PKCS#11 tests share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest

from psi.sealer.backends.pkcs11 import Pkcs11Backend
from psi.sealer.device_error import DeviceError
from psi.sealer.slots import Pkcs11Slot
from psi.shared.messages.sealer import SealerError
from psi.shared.projection import Pkcs11Options
from psi.shared.secret import SecretBytes

KEK = SecretBytes(bytes(range(100, 132)))
_CONFIGURED = "as the token has it"


class Token(Protocol):
    """What the helpers in tests/fakes/devices have in common."""

    pin: str
    label: str
    key_label: str
    module: str

    @property
    def environment(self) -> dict[str, str]: ...


def backend(
    token: Token,
    *,
    pin: str | bytes | None = _CONFIGURED,
    module: str | None = None,
    token_label: str | None = None,
    key_label: str | None = None,
) -> Pkcs11Backend:
    options = Pkcs11Options(
        module=module or token.module,
        token_label=token_label or token.label,
        key_label=key_label or token.key_label,
    )
    given = token.pin if pin == _CONFIGURED else pin
    raw = given.encode() if isinstance(given, str) else given
    return Pkcs11Backend(options, None if raw is None else SecretBytes(raw))


@contextmanager
def opened(device: Pkcs11Backend) -> Iterator[Pkcs11Backend]:
    """As the sealer does it: open, some calls, close."""
    try:
        device.open()
        yield device
    finally:
        device.close()


def log_in(device: Pkcs11Backend) -> None:
    with opened(device):
        pass


def make(device: Pkcs11Backend) -> Pkcs11Slot:
    with opened(device):
        return device.make_slot(KEK)


def unwrap(device: Pkcs11Backend, slot: Pkcs11Slot) -> SecretBytes:
    with opened(device):
        return device.open_slot(slot)


def refused(code: SealerError, attempt: Callable[..., Any], *arguments: Any) -> DeviceError:
    """Return the failure of an attempt, which must have this code and fit a header line."""
    with pytest.raises(DeviceError) as raised:
        attempt(*arguments)
    error = raised.value
    assert error.code is code, error.detail
    assert error.detail.isascii()
    assert not error.detail.endswith("..."), error.detail
    return error
