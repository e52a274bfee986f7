"""The services' empty root folder: what it has, and what may be in its way."""

from pathlib import Path

import pytest

from psi.shared.errors import ConfigError
from psictl.install.places import UNITS
from psictl.install.shipped import ANY_SYSTEMD, read_shipped, shipped_folder
from psictl.install.skeleton import extend_skeleton, missing_of, skeleton_of

TEXT = """\
[Service]
RootDirectory=/usr/lib/psi/root
BindReadOnlyPaths=/usr:/usr:norbind /etc/ld.so.cache
BindReadOnlyPaths=-/run/systemd/resolve
BindPaths=/srv/here:/there/deep
BindPaths=/dev/tpmrm0
"""


def wanted(text: str = TEXT) -> dict[str, str | None]:
    return skeleton_of({f"{UNITS}/psi-x.service": text})


def test_it_has_what_the_units_bind(tmp_path: Path) -> None:
    assert extend_skeleton(tmp_path / "root", wanted())
    root = tmp_path / "root"
    for folder in ("usr", "run/systemd/resolve", "there/deep", "proc", "sys", "dev", "tmp"):
        assert (root / folder).is_dir()
        assert not any(p.is_file() for p in (root / folder).iterdir())
    assert (root / "etc/ld.so.cache").is_file()
    assert str((root / "bin").readlink()) == "usr/bin"
    assert not (root / "srv").exists()
    assert not (root / "dev/tpmrm0").exists()


def test_a_service_without_a_root_folder_of_its_own_adds_nothing() -> None:
    assert wanted(TEXT.replace("RootDirectory", "# RootDirectory")) == wanted("")


def test_what_all_shipped_units_bind_is_there(tmp_path: Path) -> None:
    texts = read_shipped(shipped_folder(), ANY_SYSTEMD).texts
    extend_skeleton(tmp_path / "root", skeleton_of(texts))
    for place in ("usr", "etc/passwd", "etc/ld.so.cache", "run/psi-ipc/sealer-broker"):
        assert (tmp_path / "root" / place).exists()
    assert (tmp_path / "root/etc/passwd").is_file()


def test_a_second_time_nothing_is_missing(tmp_path: Path) -> None:
    extend_skeleton(tmp_path, wanted())
    assert missing_of(tmp_path, wanted()) == []
    assert not extend_skeleton(tmp_path, wanted())


def test_what_is_more_stays(tmp_path: Path) -> None:
    extend_skeleton(tmp_path, wanted())
    (tmp_path / "run/older").mkdir()
    extend_skeleton(tmp_path, wanted())
    assert (tmp_path / "run/older").is_dir()


def test_an_empty_one_of_another_kind_is_replaced(tmp_path: Path) -> None:
    extend_skeleton(tmp_path, wanted())
    for path in (tmp_path / "etc/ld.so.cache", tmp_path / "bin"):
        path.unlink()
        path.mkdir()
    (tmp_path / "there/deep").rmdir()
    (tmp_path / "there/deep").touch()
    assert extend_skeleton(tmp_path, wanted())
    assert missing_of(tmp_path, wanted()) == []


def test_one_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    extend_skeleton(tmp_path, wanted())
    (tmp_path / "bin").unlink()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/mine").touch()
    with pytest.raises(ConfigError, match="is in the way of the services' root folder"):
        extend_skeleton(tmp_path, wanted())
    assert (tmp_path / "bin/mine").exists()
