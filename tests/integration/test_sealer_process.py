"""The real process: how it starts, refuses to start, is killed, and what it loads."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from psi.sealer.backends.software import KEY_FILE
from psi.shared.errors import PsiError
from psi.shared.messages.sealer import SealerError
from tests.fakes.process_memory import memory_holds
from tests.unit.sealer.samples import HOST_SECRET
from tests.unit.sealer.sealer_process import KEY, SealerProcess

_ROUNDS = 12
_MOMENTS = 0.002
"""Seconds between the moments of the kill: provisioning takes some 10 ms."""


@pytest.mark.parametrize("hold", ["open", "per-operation"])
def test_a_key_comes_back_after_stop_and_start(tmp_path: Path, hold: str) -> None:
    sealer = SealerProcess(tmp_path, hold=hold)
    with sealer:
        assert sealer.status().state == "unprovisioned"
        sealer.provision()
        wrapped = sealer.wrap()
        assert sealer.stop() == 0
    with sealer:
        assert sealer.unwrap(wrapped) == KEY
        assert sealer.status().state == {"open": "open", "per-operation": "closed"}[hold]


def test_the_software_backend_says_what_it_is(tmp_path: Path) -> None:
    with SealerProcess(tmp_path) as sealer:
        assert "NOT PROTECTED" in sealer.status().detail
        assert "NOT PROTECTED" in sealer.text()


def test_it_loads_no_library_of_a_device_that_is_not_configured(tmp_path: Path) -> None:
    with SealerProcess(tmp_path) as sealer:
        sealer.provision()
        sealer.wrap()
        mapped = sealer.maps()
    for library in ("libtss2", "pkcs11", "libcurl", "libgnutls"):
        assert library not in mapped
    assert "cryptography" in mapped


def test_it_dumps_no_core(tmp_path: Path) -> None:
    with SealerProcess(tmp_path) as sealer:
        limits = Path(f"/proc/{sealer.pid}/limits").read_text().splitlines()
    (core,) = (line.split()[4:6] for line in limits if line.startswith("Max core file size"))
    assert core == ["0", "0"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("host-secret", None, "credential host-secret: No such file"),
        ("host-secret", b"short", "host-secret: 5 bytes, not 32"),
        ("config.json", None, "credential config.json: No such file"),
        ("config.json", b"{}", "the projection is not valid"),
    ],
)
def test_without_its_credentials_it_does_not_start(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    sealer = SealerProcess(tmp_path)
    (sealer.credentials / name).unlink()
    if content is not None:
        (sealer.credentials / name).write_bytes(content)
    assert sealer.exit_code() == 2
    assert words in sealer.text()
    assert "Traceback" not in sealer.text()


def test_without_its_state_folder_it_stays_up_and_says_so(tmp_path: Path) -> None:
    sealer = SealerProcess(tmp_path)
    sealer.state.rmdir()
    with sealer:
        found = sealer.status()
        assert (found.state, found.code) == ("degraded", SealerError.CORRUPT)
        assert str(sealer.state) in found.detail


def test_a_device_library_that_is_missing_is_told(tmp_path: Path) -> None:
    sealer = SealerProcess(tmp_path, backend="pkcs11")
    with sealer:
        with pytest.raises(PsiError, match=r"set sealer\.pkcs11"):
            sealer.provision()
        assert sealer.status().state == "unprovisioned"


def test_a_lost_software_key_is_another_device(tmp_path: Path) -> None:
    sealer = SealerProcess(tmp_path)
    with sealer:
        sealer.provision()
        wrapped = sealer.wrap()
        sealer.kill()
        (sealer.state / KEY_FILE).unlink()
        sealer.start()
        with pytest.raises(PsiError):
            sealer.unwrap(wrapped)
        assert sealer.status().code == SealerError.OTHER_DEVICE


def test_what_a_data_key_encrypts_is_never_in_its_memory(tmp_path: Path) -> None:
    value, nonce = b"canary value of a secret, long enough", b"n" * 12
    with SealerProcess(tmp_path) as sealer:
        sealer.provision()
        sealed = AESGCM(KEY.reveal()).encrypt(nonce, value, None)
        opened = AESGCM(sealer.unwrap(sealer.wrap()).reveal()).decrypt(nonce, sealed, None)
        assert opened == value
        assert not memory_holds(sealer.pid, value)
        assert memory_holds(sealer.pid, HOST_SECRET.reveal()), "its memory can be read here"


def test_killed_while_provisioning_it_has_a_whole_file_or_none(tmp_path: Path) -> None:
    sealer = SealerProcess(tmp_path)
    wrapped = b""
    for number in range(_ROUNDS):
        sealer.start()
        killer = threading.Timer(_MOMENTS * number, sealer.kill)
        killer.start()
        with contextlib.suppress(PsiError), ThreadPoolExecutor(1) as caller:
            # Unless it was answered, the next process may find the request in the backlog.
            making = caller.submit(sealer.provision, force=True)
            killer.join()
            sealer.start()
            making.result()
        found = sealer.status()
        assert found.state in ("unprovisioned", "open", "closed"), found.detail
        assert not list(sealer.state.glob(".*.tmp"))
        if found.slots:
            wrapped = sealer.wrap()
            sealer.kill()
            sealer.start()
            assert sealer.unwrap(wrapped) == KEY
        sealer.kill()
    assert wrapped, "some round was provisioned"
