"""What the sealer is started with."""

from pathlib import Path

import pytest

from psi.sealer.backends.factory import make_backend
from psi.sealer.backends.software import SoftwareBackend
from psi.sealer.config import load_pin
from psi.sealer.device_error import DeviceError
from psi.shared.log import Log
from psi.shared.messages.sealer import SealerError
from psi.shared.processes import Process
from psi.shared.projection import Pkcs11Options, SealerProjection
from psi.shared.secret import SecretBytes

LOG = Log(Process.SEALER)


def token(**fields: object) -> Pkcs11Options:
    return Pkcs11Options(module="/m.so", token_label="t", key_label="k", **fields)  # type: ignore[arg-type]  # a test's fields


def test_a_pin_of_the_configuration_is_taken(tmp_path: Path) -> None:
    assert load_pin(tmp_path, token(pin=SecretBytes(b"1")), LOG) == SecretBytes(b"1")


def test_a_pin_credential_is_read_without_its_newline(tmp_path: Path) -> None:
    (tmp_path / "hsm-pin").write_bytes(b"648219\n")
    assert load_pin(tmp_path, token(pin_credential="hsm-pin"), LOG) == SecretBytes(b"648219")


def test_a_missing_pin_credential_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert load_pin(tmp_path, token(pin_credential="hsm-pin"), LOG) is None
    assert "pin.missing" in caplog.text


def test_without_a_token_there_is_no_pin(tmp_path: Path) -> None:
    assert load_pin(tmp_path, None, LOG) is None
    assert load_pin(tmp_path, token(), LOG) is None


def projection(folder: Path, backend: str) -> SealerProjection:
    return SealerProjection(
        generation=1,
        config_sha256="0" * 64,
        state_dir=str(folder),
        backend=backend,  # type: ignore[arg-type]  # a test's word
    )


def test_the_configured_backend_is_made(tmp_path: Path) -> None:
    assert isinstance(make_backend(projection(tmp_path, "software"), None), SoftwareBackend)


def test_a_token_that_is_not_configured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"sealer\.pkcs11") as caught:
        make_backend(projection(tmp_path, "pkcs11"), None)
    assert caught.value.code is SealerError.UNSUPPORTED
