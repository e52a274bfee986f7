"""A refused PIN is remembered across restarts and is of no use to who reads the state folder."""

from pathlib import Path

import pytest

from psi.sealer.device_error import DeviceError
from psi.sealer.pin_latch import NAME, PinLatch
from psi.shared.log import Log
from psi.shared.messages.sealer import SealerError
from psi.shared.processes import Process
from psi.shared.secret import SecretBytes
from tests.unit.sealer.samples import HOST_SECRET

LOG = Log(Process.SEALER)


TOKEN = "module\0token"


def latch(folder: Path, pin: bytes = b"648219", device: str = TOKEN) -> PinLatch:
    return PinLatch(folder, SecretBytes(pin), device, HOST_SECRET, LOG)


def refused(tried: PinLatch) -> bool:
    try:
        tried.check()
    except DeviceError:
        return True
    return False


def test_the_refusal_says_what_to_do_and_is_not_repeated(tmp_path: Path) -> None:
    closed = latch(tmp_path)
    closed.close()
    with pytest.raises(DeviceError, match="until it changes") as caught:
        closed.check()
    assert caught.value.code is SealerError.PIN_REFUSED
    assert (caught.value.latch, caught.value.retry) == (True, False)


def test_a_new_pin_may_be_tried(tmp_path: Path) -> None:
    assert not refused(latch(tmp_path))


def test_a_refused_pin_is_refused_after_a_restart_too(tmp_path: Path) -> None:
    first = latch(tmp_path)
    first.close()
    assert refused(first)
    assert refused(latch(tmp_path))


def test_another_pin_may_be_tried(tmp_path: Path) -> None:
    latch(tmp_path).close()
    assert not refused(latch(tmp_path, pin=b"648218"))


def test_another_token_may_take_the_same_pin(tmp_path: Path) -> None:
    latch(tmp_path).close()
    assert not refused(latch(tmp_path, device="module\0other"))


def test_a_pin_that_works_is_forgotten(tmp_path: Path) -> None:
    latch(tmp_path).close()
    latch(tmp_path, pin=b"1").open()
    assert not (tmp_path / NAME).exists()
    assert not refused(latch(tmp_path))


def test_removing_the_file_lets_the_pin_be_tried_again(tmp_path: Path) -> None:
    latch(tmp_path).close()
    (tmp_path / NAME).unlink()
    assert not refused(latch(tmp_path))


def test_the_file_is_private_and_does_not_hold_the_pin(tmp_path: Path) -> None:
    latch(tmp_path).close()
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    assert b"648219" not in (tmp_path / NAME).read_bytes()


def test_the_digest_needs_the_host_secret(tmp_path: Path) -> None:
    latch(tmp_path).close()
    other = PinLatch(tmp_path, SecretBytes(b"648219"), TOKEN, SecretBytes(b"x" * 32), LOG)
    assert not refused(other)


def test_a_refusal_that_cannot_be_saved_holds_in_this_process(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    held = latch(gone)
    held.close()
    assert refused(held)


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 5000, b'{"salt": 1, "digest": 2}'])
def test_a_damaged_file_is_ignored(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    assert not refused(latch(tmp_path))
