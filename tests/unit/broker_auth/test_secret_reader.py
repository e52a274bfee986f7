"""Files and credentials of a login: what is taken, and how the rest is told."""

import os
from pathlib import Path

import pytest

from psi.broker.infisical.auth.secret_reader import SECRET_BYTES, SecretReader
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.shared.errors import ConfigError
from psi.shared.projection import SecretSource
from psi.shared.secret import SecretBytes
from tests.unit.broker_infisical.setting import assert_fit


def _no_credential(name: str) -> SecretBytes:
    raise ConfigError(f"credential {name} is not there; set it")


READER = SecretReader(_no_credential)


def failure(path: Path) -> str:
    with pytest.raises(UpstreamError) as caught:
        READER.read(SecretSource(file=str(path)), "jwt")
    assert caught.value.kind is Kind.REFUSED
    assert_fit(caught.value)
    assert str(caught.value).startswith("jwt_file ")
    return str(caught.value)


@pytest.mark.parametrize("content", [b"a.b.c", b"a.b.c\n", b"a.b.c\r\n", b"x" * SECRET_BYTES])
def test_a_file_is_taken_without_its_line_end(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t").write_bytes(content)
    source = SecretSource(file=str(tmp_path / "t"))
    assert READER.read(source, "jwt").reveal() == content.rstrip(b"\r\n")


def test_a_link_is_followed_as_kubernetes_publishes(tmp_path: Path) -> None:
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "token").write_text("a.b.c")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "token").symlink_to("..data/token")
    assert READER.read(SecretSource(file=str(tmp_path / "token")), "jwt").reveal() == b"a.b.c"


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    told = failure(tmp_path / "none")
    assert "No such file" in told
    assert "psi-broker can read" in told


@pytest.mark.parametrize("content", [b"", b"\n", b"a\0b", b"\xff\xfe", b"x" * (SECRET_BYTES + 1)])
def test_a_file_that_holds_no_text_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t").write_bytes(content)
    assert "text" in failure(tmp_path / "t")


def test_a_folder_and_a_fifo_are_no_files(tmp_path: Path) -> None:
    assert "is no regular file" in failure(tmp_path) or "directory" in failure(tmp_path)
    os.mkfifo(tmp_path / "fifo")
    assert "is no regular file" in failure(tmp_path / "fifo")


def test_a_value_is_taken_as_it_is() -> None:
    source = SecretSource(value=SecretBytes(b" spaces \n"))
    assert READER.read(source, "password").reveal() == b" spaces \n"


def test_a_missing_credential_is_named() -> None:
    with pytest.raises(UpstreamError, match="credential it is not there"):
        READER.read(SecretSource(credential="it"), "password")
