"""Wheels, an installation of them below a root, and what changes it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from psictl.install.installing import install
from psictl.install.places import Places
from psictl.install.request import Report, Request
from psictl.install.taking import HANDED_OVER
from tests.fakes.install.host import FakeHost
from tests.fakes.install.wheels import write_libraries, write_variant
from tests.unit.shared.source_tree import ROOT

INTERPRETERS = (str(Path(sys.base_exec_prefix, "bin/python3")),)
"""The one that the tests run on: a machine's own may lack what makes environments."""
RUNNING = ("psi-frontend.service", "psi-broker.service", "psi-pki.service")
MARK = b'"""Changed."""\n'

Heard = list[str]


class Machine:
    """A root, its host, and the installer's requests to it."""

    def __init__(self, root: Path, wheelhouse: Path, *, staged: bool = False) -> None:
        self.root = root
        self.host = FakeHost(root.with_name(f"{root.name}.log"))
        self.heard: Heard = []
        self.request = Request(
            places=Places(root),
            host=None if staged else self.host,
            wheelhouse=wheelhouse,
            interpreters=INTERPRETERS,
            tpm=staged,
            units=wheelhouse.parent / "units",
        )

    def install(self, **options: object) -> Report:
        """Run the installer with some options changed."""
        return install(replace(self.request, **options), self.heard.append)  # type: ignore[arg-type]

    def request_for(self, source: Path) -> Request:
        """Return a request for a wheel, without a wheelhouse."""
        return replace(self.request, source=source, wheelhouse=None)

    def snapshot(self) -> dict[str, str]:
        """Return every path below the root with what it is; ``unfinished`` and times aside."""
        return {
            str(path.relative_to(self.root)): _kind(path)
            for path in sorted(self.root.rglob("*"))
            if path.name != "__pycache__" and path.suffix != ".pyc"
        }

    def kept(self, link: str) -> Path:
        """Return the wheel of PSI that a version keeps."""
        (wheel,) = (self.root / "usr/lib/psi" / link / "wheels").glob("psi_suite-*.whl")
        return wheel

    @property
    def version(self) -> str:
        """Return the version in force."""
        return (self.root / "usr/lib/psi/current").readlink().name


def _kind(path: Path) -> str:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    return "folder" if path.is_dir() else f"{path.stat().st_mode:o} {hash(path.read_bytes())}"


@pytest.fixture(scope="session", autouse=True)
def no_hand_over() -> Iterator[None]:
    """Let the psictl of this checkout install any wheel: test_taking.py tests the other way."""
    os.environ[HANDED_OVER] = "1"
    yield
    del os.environ[HANDED_OVER]


@pytest.fixture(scope="session")
def suite_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build PSI's wheel from this checkout."""
    folder = tmp_path_factory.mktemp("suite")
    build = [sys.executable, "-m", "build", "-q", "--wheel", "--no-isolation", "-o", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheelhouse(suite_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("w") / "wheelhouse"
    write_libraries(folder)
    # As they are now, whoever works on them while the tests run.
    shutil.copytree(ROOT / "systemd", folder.parent / "units")
    shutil.copy(suite_wheel, folder)
    return folder


@pytest.fixture(scope="session")
def newer(wheelhouse: Path, suite_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheelhouse whose PSI differs by a service's file."""
    folder = tmp_path_factory.mktemp("newer")
    shutil.copytree(wheelhouse, folder, dirs_exist_ok=True)
    write_variant(suite_wheel, folder, {"psi/frontend/__init__.py": MARK})
    return folder


@pytest.fixture(scope="session")
def installed(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Return an installation that no test changes, made by a root with a narrow umask."""
    machine = Machine(tmp_path_factory.mktemp("i") / "root", wheelhouse)
    machine.root.mkdir()
    before = os.umask(0o077)
    try:
        machine.install()
    finally:
        os.umask(before)
    return machine


@pytest.fixture(scope="session")
def upgraded(installed: Machine, newer: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Return a copy that was upgraded: its first version is the one before."""
    machine = _copy(installed, tmp_path_factory.mktemp("u") / "root")
    machine.install(wheelhouse=newer)
    return machine


@pytest.fixture(scope="session")
def upgradable(upgraded: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Return one in which the newer version is made already, so that only the switch is left."""
    machine = _copy(upgraded, tmp_path_factory.mktemp("a") / "root")
    machine.install()
    (machine.root / "usr/lib/psi/previous").unlink()
    return machine


Copy = Callable[[Machine], Machine]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Return a function that copies an installation for one test to change."""
    return lambda machine: _copy(machine, tmp_path / "root")


def _copy(machine: Machine, root: Path) -> Machine:
    shutil.copytree(machine.root, root, symlinks=True)
    assert machine.request.wheelhouse is not None
    return Machine(root, machine.request.wheelhouse, staged=machine.request.host is None)


@pytest.fixture
def machine(tmp_path: Path, wheelhouse: Path) -> Machine:
    """Return a machine with nothing installed."""
    (tmp_path / "root").mkdir()
    return Machine(tmp_path / "root", wheelhouse)
