"""There is no TPM at the path: the cause is named, and nothing is written there."""

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from psi.sealer.backends.tpm_tcti import check_path
from psi.sealer.device_error import DeviceError
from psi.shared.messages.sealer import SealerError
from tests.fakes.devices.swtpm import SwTpm
from tests.unit.sealer_tpm.setting import KEK, backend, make, opened, refused, unseal

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tpm-") as name:
        yield Path(name)


def unavailable(tcti: str) -> str:
    device = backend(tcti)
    error = refused(SealerError.DEVICE_UNAVAILABLE, device.open)
    device.close()
    assert error.retry
    return error.detail


@pytest.mark.parametrize("tcti", ["device:{}/tpmrm0", "swtpm:path={}/socket"])
def test_a_missing_device_is_named(folder: Path, tcti: str) -> None:
    detail = unavailable(tcti.format(folder))
    assert str(folder) in detail
    assert "No such file" in detail


def test_a_file_is_no_device_and_stays_as_it_is(folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(b"precious")
    assert "not a device" in unavailable(f"device:{path}")
    assert path.read_bytes() == b"precious"


def test_a_file_is_no_socket(folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(b"precious")
    assert "not a socket" in unavailable(f"swtpm:path={path}")


def test_a_device_that_is_no_tpm_does_not_answer() -> None:
    assert "device:/dev/full" in unavailable("device:/dev/full")


def test_a_socket_that_no_one_listens_on_does_not_answer(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        silent.bind(str(folder / "socket"))
    assert "nothing answers" in unavailable(f"swtpm:path={folder}/socket")


@pytest.mark.parametrize("tcti", ["device:{}/tpmrm0", "swtpm:path={}/socket"])
def test_a_path_without_rights_is_named(folder: Path, tcti: str) -> None:
    folder.chmod(0)
    detail = _as_nobody(tcti.format(folder))
    folder.chmod(0o700)
    assert "Permission denied" in detail
    assert "psi-sealer" in detail


def test_a_socket_without_rights_is_named(folder: Path) -> None:
    folder.chmod(0o755)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(folder / "socket"))
    (folder / "socket").chmod(0)
    assert "Permission denied" in _as_nobody(f"swtpm:path={folder}/socket")


@pytest.mark.parametrize(
    "tcti", ["cmd:touch /tmp/never", "mssim:port=1", "device:", "swtpm:port=1", "", "tabrmd"]
)
def test_other_ways_to_a_tpm_are_refused(tcti: str) -> None:
    error = refused(SealerError.UNSUPPORTED, backend(tcti).open)
    assert "sealer.tpm.device" in error.detail


def test_it_opens_once_the_tpm_is_there(tpm: SwTpm) -> None:
    slot = make(backend(tpm))
    tpm.stop()
    device = backend(tpm)
    refused(SealerError.DEVICE_UNAVAILABLE, device.open)
    device.close()
    tpm.start()
    with opened(device):
        assert device.open_slot(slot) == KEK
    assert unseal(device, slot) == KEK


def _as_nobody(tcti: str) -> str:
    """Check a path in a child without root's rights, and return why it is refused."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            check_path(tcti)
        except DeviceError as error:
            os.write(writing, error.detail.encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        detail = answer.read().decode()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return detail
