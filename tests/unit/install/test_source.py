"""What is installed: given, in a wheelhouse, kept, or where this psictl came from."""

import shutil
import sys
from pathlib import Path

import pytest

from psi.shared.errors import ConfigError
from psictl.install.interpreter import ask
from psictl.install.pip import find_pip
from psictl.install.source import describe, find_source, take_suite
from tests.fakes.install.wheels import write_variant, write_wheel
from tests.unit.install.conftest import INTERPRETERS, MARK, Machine
from tests.unit.shared.source_tree import ROOT


def test_a_wheel_is_described(suite_wheel: Path) -> None:
    suite = describe(suite_wheel)
    assert suite.version == "0.1.0"
    assert suite.requirement("tpm2-pytss").startswith("tpm2-pytss")
    assert ">=3.0" in suite.requirement("tpm2-pytss")


def test_the_digest_is_of_the_content(suite_wheel: Path, tmp_path: Path) -> None:
    packed_again = write_variant(suite_wheel, tmp_path / "same", {})
    changed = write_variant(suite_wheel, tmp_path / "other", {"psi/shared/__init__.py": MARK})
    without = write_variant(suite_wheel, tmp_path / "less", {"psi/shared/py.typed": None})
    digests = [describe(w).digest for w in (suite_wheel, packed_again, changed, without)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_what_is_given_is_taken(suite_wheel: Path, wheelhouse: Path) -> None:
    assert find_source(suite_wheel, wheelhouse) == suite_wheel
    assert find_source(ROOT, None) == ROOT


def test_else_the_wheelhouse_has_it(wheelhouse: Path) -> None:
    assert find_source(None, wheelhouse).parent == wheelhouse


def test_a_wheelhouse_without_it(tmp_path: Path) -> None:
    write_wheel(tmp_path, "rich", "1")
    with pytest.raises(ConfigError, match="has no wheel of psi-suite"):
        find_source(None, tmp_path)


def test_a_wheelhouse_with_two(wheelhouse: Path, suite_wheel: Path, tmp_path: Path) -> None:
    shutil.copytree(wheelhouse, tmp_path / "two")
    shutil.copy(suite_wheel, tmp_path / "two" / suite_wheel.name.replace("0.1.0", "0.2.0"))
    with pytest.raises(ConfigError, match="has 2 wheels of psi-suite"):
        find_source(None, tmp_path / "two")


def test_an_installed_psictl_knows_the_wheel_that_its_version_keeps(
    installed: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(installed.root / "usr/lib/psi/current/psictl"))
    wheel = find_source(None, None)
    assert wheel.name.startswith("psi_suite-")
    assert wheel.resolve() == installed.kept("current").resolve()


def test_an_editable_psictl_knows_its_sources() -> None:
    assert find_source(None, None) == ROOT


@pytest.mark.parametrize("name", ["rich-1-py3-none-any.whl", "psi_suite-0.1.0.tar.gz", "nowhere"])
def test_what_is_no_wheel_of_the_suite(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    with pytest.raises(ConfigError, match="say what to install: --from"):
        find_source(tmp_path / name, None)


def test_a_wheel_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "psi_suite-0.1.0-py3-none-any.whl"
    broken.write_bytes(b"PK")
    with pytest.raises(ConfigError, match="cannot be read"):
        describe(broken)


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not the source folder of psi-suite"):
        find_source(tmp_path, None)
    (tmp_path / "pyproject.toml").write_text('name = "psi-suite-extra"\n')
    with pytest.raises(ConfigError, match="is not the source folder of psi-suite"):
        find_source(tmp_path, None)


def test_a_wheel_is_copied_and_described(suite_wheel: Path, tmp_path: Path) -> None:
    pip = find_pip(ask(INTERPRETERS[0]), tmp_path / "pip", None)
    suite = take_suite(suite_wheel, pip, tmp_path)
    assert suite.wheel == tmp_path / suite_wheel.name
    assert suite.digest == describe(suite_wheel).digest
