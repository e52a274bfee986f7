"""One secret in one file: whole or not at all, and never through a link."""

import os
import stat
from pathlib import Path

import pytest

from psi.shared.errors import ConfigError, PsiError
from psi.shared.secret import SecretBytes
from psictl.secret_file import decode_base64, parse_mode, write_secret_file

VALUE = SecretBytes(b"va\0lue\r\n")


def modes(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_file_is_written_with_its_mode_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    previous = os.umask(0o077)
    try:
        write_secret_file(tmp_path / "out", VALUE, mode)
    finally:
        os.umask(previous)
    assert (tmp_path / "out").read_bytes() == VALUE.reveal()
    assert modes(tmp_path / "out") == mode


def test_a_file_that_is_there_is_replaced_by_a_new_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_bytes(b"old")
    out.chmod(0o666)
    with out.open("rb") as reader:
        write_secret_file(out, VALUE, 0o600)
        assert reader.read() == b"old"
    assert (out.read_bytes(), modes(out)) == (VALUE.reveal(), 0o600)
    assert list(tmp_path.iterdir()) == [out]


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"kept")
    (tmp_path / "out").symlink_to(victim)
    with pytest.raises(ConfigError, match="is a link"):
        write_secret_file(tmp_path / "out", VALUE, 0o600)
    assert victim.read_bytes() == b"kept"


def test_a_dangling_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="is a link"):
        write_secret_file(tmp_path / "out", VALUE, 0o600)
    assert not (tmp_path / "nowhere").exists()


def test_a_link_as_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(ConfigError, match="name the real folder"):
        write_secret_file(tmp_path / "link" / "out", VALUE, 0o600)
    assert not list((tmp_path / "real").iterdir())


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match="no regular file"):
        write_secret_file(tmp_path / "out", VALUE, 0o600)


def test_a_pipe_in_its_place_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out")
    with pytest.raises(ConfigError, match="no regular file"):
        write_secret_file(tmp_path / "out", VALUE, 0o600)


@pytest.mark.parametrize("name", ["", "..", "/"])
def test_a_path_without_a_file_name_is_refused(tmp_path: Path, name: str) -> None:
    path = Path("/") if name == "/" else tmp_path / name
    with pytest.raises(ConfigError):
        write_secret_file(path, VALUE, 0o600)


def test_an_absent_folder_is_an_error_that_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(PsiError, match=r"absent/out cannot be written: No such file"):
        write_secret_file(tmp_path / "absent" / "out", VALUE, 0o600)


def test_a_relative_path_is_below_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_secret_file(Path("out"), VALUE, 0o600)
    assert (tmp_path / "out").read_bytes() == VALUE.reveal()


@pytest.mark.parametrize(("text", "mode"), [("0600", 0o600), ("640", 0o640), ("0000", 0)])
def test_a_mode_is_octal(text: str, mode: int) -> None:
    assert parse_mode(text) == mode


@pytest.mark.parametrize(
    "text", ["", "4755", "0o600", "68", "900", "0600\n", "-600", "u+r", "\u0660600"]
)
def test_a_mode_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="three octal digits"):
        parse_mode(text)


@pytest.mark.parametrize("text", [b"AP8=", b"AP8=\n", b"A P\n8\r\n="])
def test_base64_is_decoded_across_line_breaks(text: bytes) -> None:
    assert decode_base64(SecretBytes(text)).reveal() == b"\0\xff"


@pytest.mark.parametrize("text", [b"AP8", b"AP8=AP8=", b"AP_-", b"\xff", b"AP8=!", b"\n", b"===="])
def test_what_is_no_base64_is_refused_without_showing_it(text: bytes) -> None:
    with pytest.raises(PsiError, match="not base64") as caught:
        decode_base64(SecretBytes(text))
    assert text.decode("latin-1") not in str(caught.value) or not text.strip()
