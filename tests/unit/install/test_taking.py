"""Another version's psictl does its own installation."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from psictl.install.source import describe
from psictl.install.taking import HANDED_OVER, hand_over, is_own, own_arguments, take
from tests.fakes.install.wheels import write_variant
from tests.unit.install.conftest import Machine

PROGRAM = b"""\
import json, os, sys
from pathlib import Path

Path(os.environ["PSI_TEST_HEARD"]).write_text(json.dumps([sys.argv[1:], sys.prefix]))
sys.stderr.write("psictl: says the other\\n")
sys.exit(3)
"""


@pytest.fixture
def alone() -> Iterator[None]:
    """Take away what keeps the psictl of the other tests from handing over."""
    del os.environ[HANDED_OVER]
    yield
    os.environ[HANDED_OVER] = "1"


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PSI_TEST_HEARD", str(tmp_path / "heard"))
    return tmp_path / "heard"


@pytest.fixture
def other(wheelhouse: Path, suite_wheel: Path, tmp_path: Path) -> Path:
    """Return a wheelhouse with a PSI whose psictl tells what it was started as."""
    folder = tmp_path / "other"
    shutil.copytree(wheelhouse, folder)
    write_variant(suite_wheel, folder, {"psictl/__main__.py": PROGRAM})
    return folder


def wheel_of(folder: Path) -> Path:
    (wheel,) = folder.glob("psi_suite-*.whl")
    return wheel


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("change", "own"),
    [
        ({}, True),
        ({"psi/frontend/__init__.py": b"# other"}, True),
        ({"psictl/install/texts.py": b"# other"}, False),
        ({"psictl/install/systemd/psi.target": b"# other"}, False),
        ({"psictl/install/new.py": b"# new"}, False),
        ({"psictl/install/systemd/psi-new.timer": b"# new"}, False),
    ],
    ids=["same", "a service", "the installer", "a unit", "a new file", "a new unit"],
)
def test_the_own_wheel_is_known(
    change: dict[str, bytes | None],
    own: bool,  # noqa: FBT001 - a parameter of the test
    installed: Machine,
    tmp_path: Path,
) -> None:
    suite = write_variant(installed.kept("current"), tmp_path / "variant", change)
    package = tmp_path / "psictl"
    shutil.unpack_archive(installed.kept("current"), tmp_path, "zip")
    assert is_own(describe(suite), package, package / "install/systemd") is own


def test_the_one_that_was_handed_over_to_does_not_do_so_again(other: Path) -> None:
    assert is_own(describe(wheel_of(other)))


@pytest.mark.usefixtures("alone")
def test_another_version_installs_itself(
    machine: Machine,
    other: Path,
    heard: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["install", "--from", "x", "--without-tpm", "--wheelhouse", str(other)]
    monkeypatch.setattr(sys, "argv", ["psictl", *arguments])
    with pytest.raises(SystemExit) as ended:
        machine.install(wheelhouse=other)
    assert ended.value.code == 3
    assert capsys.readouterr().err == "psictl: says the other\n"
    said, prefix = heard.read_text().split("]", 1)
    assert said.startswith(
        f'[["install", "--without-tpm", "--wheelhouse", "{other}", "--from", "{wheel_of(other)}"'
    )
    assert "psi-install-" in prefix
    assert list(machine.root.iterdir()) == []


@pytest.mark.usefixtures("alone")
def test_a_version_that_is_there_needs_no_pip(
    upgraded: Machine, heard: Path, tmp_path: Path
) -> None:
    """To go back one version, nothing is fetched."""
    root = tmp_path / "root"
    shutil.copytree(upgraded.root, root, symlinks=True)
    machine = Machine(root, tmp_path)
    main = root / "usr/lib/psi/previous/psictl/lib"
    (package,) = main.glob("python3.*/site-packages/psictl")
    (package / "__main__.py").write_bytes(PROGRAM)
    shutil.rmtree(package / "__pycache__")
    taken = take(machine.request_for(machine.kept("previous")), tmp_path, str)
    assert hand_over(taken, ["install"]) == 3
    assert "/usr/lib/psi/versions/" in heard.read_text()


def test_the_command_line_is_passed_on_without_the_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = "psictl --root /x install --from /y --newest --from=/z --wheelhouse /w"
    monkeypatch.setattr(sys, "argv", line.split())
    assert own_arguments() == ["--root", "/x", "install", "--newest", "--wheelhouse", "/w"]
