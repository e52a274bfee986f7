"""The development backend: it works, and it hides nothing of what it is."""

from pathlib import Path

import pytest

from psi.sealer.backends.software import KEY_FILE, SoftwareBackend
from psi.sealer.device_error import DeviceError
from psi.shared.messages.sealer import SealerError
from tests.unit.sealer.samples import KEK


def opened(folder: Path) -> SoftwareBackend:
    backend = SoftwareBackend(folder)
    backend.open()
    return backend


def test_a_slot_opens_after_a_restart(tmp_path: Path) -> None:
    body = opened(tmp_path).make_slot(KEK)
    assert opened(tmp_path).open_slot(body) == KEK
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_another_key_file_is_another_device(tmp_path: Path) -> None:
    body = opened(tmp_path).make_slot(KEK)
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(DeviceError) as caught:
        opened(tmp_path).open_slot(body)
    assert caught.value.code is SealerError.OTHER_DEVICE


def test_a_missing_folder_is_an_unavailable_device(tmp_path: Path) -> None:
    with pytest.raises(DeviceError) as caught:
        opened(tmp_path / "gone")
    assert caught.value.code is SealerError.DEVICE_UNAVAILABLE
    assert caught.value.retry


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_file_of_another_length_is_corrupt(tmp_path: Path, length: int) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"x" * length)
    with pytest.raises(DeviceError) as caught:
        opened(tmp_path)
    assert caught.value.code is SealerError.CORRUPT


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"x" * 32)
    (tmp_path / KEY_FILE).symlink_to(tmp_path / "other")
    with pytest.raises(DeviceError):
        opened(tmp_path)


def test_there_is_no_boot_state_and_no_foreign_key(tmp_path: Path) -> None:
    backend = opened(tmp_path)
    body = backend.make_slot(KEK)
    with pytest.raises(DeviceError) as caught:
        backend.reseal(body, KEK, None)
    assert caught.value.code is SealerError.UNSUPPORTED
    with pytest.raises(DeviceError) as caught:
        backend.unwrap_foreign(b"x" * 256)
    assert caught.value.code is SealerError.UNSUPPORTED
