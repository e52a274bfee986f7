"""A host below a folder, set up as install and apply do, and a systemd that was recorded."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import msgspec
import pytest

from psictl.apply import apply
from psictl.install.places import UNITS, Places
from psictl.install.rendering import render
from psictl.install.shipped import read_shipped, shipped_folder
from psictl.install.versions import MANIFEST, MadeFrom, Manifest
from psictl.layout import Layout
from psictl.systemd.status import SystemdStatus, read_systemd
from tests.fakes.systemd import replay
from tests.fakes.systemd.manager import FakeSystemd

RECORDINGS: Final = Path(__file__).with_name("recordings")
INTERPRETER: Final = "/usr/bin/python3.13"
CONFIG: Final = """\
providers:
  infisical:
    auth: {method: universal-auth, client_id: host, client_secret: right}
    projects:
      main: {id: 3f2b8c1e-5a47-4f0e-9b6d-0c9a7e4d2b10, environment: prod}
cache: {backend: software}
workloads:
  myapp:
    secrets: [{project: main, path: /myapp}]
"""


class Stage:
    """Everything is as it should be until a test changes it."""

    def __init__(self, root: Path, version: str) -> None:
        self._root = root
        self.layout = Layout(root / "host")
        self.layout.root.mkdir()
        self.places = Places(self.layout.root)
        self.replayed = root / "replayed"
        self.replayed.mkdir()
        self.shipped = root / "shipped"
        self.version = version
        self.config = self.layout.config
        (self.replayed / "version").write_text(version)
        self.replay("healthy")
        self.programs = root / "bin"
        self._put_programs()
        self._install()
        self.config.parent.mkdir(parents=True)
        self.config.write_text(CONFIG)
        self.config.chmod(0o600)
        self.systemd = FakeSystemd(self.layout.root)
        self.apply()
        for folder in (self.layout.root, self.replayed):
            shutil.copytree(folder, self._kept(folder), symlinks=True)

    @contextmanager
    def entered(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Self]:
        """Put its programs first in the PATH; afterwards all is as it was made."""
        monkeypatch.setenv("PATH", f"{self.programs}:/usr/bin:/bin")
        yield self
        for folder in (self.layout.root, self.replayed):
            shutil.rmtree(folder)
            shutil.copytree(self._kept(folder), folder, symlinks=True)

    def _kept(self, folder: Path) -> Path:
        return self._root / "kept" / folder.name

    def apply(self) -> None:
        apply(self.config, self.layout, manager=self.systemd)

    def replay(self, recording: str) -> None:
        """Have systemd be as it was when this was recorded."""
        name = f"{self.version}-{recording}"
        shutil.copy(RECORDINGS / f"{name}.show", self.replayed / "units")
        scores = RECORDINGS / f"{name}.security.json"
        if not scores.exists():
            scores = RECORDINGS / f"{self.version}-healthy.security.json"
        shutil.copy(scores, self.replayed / "security")

    def say(self, unit: str, **properties: str) -> None:
        """Have systemd say something else of a unit than was recorded."""
        blocks = (self.replayed / "units").read_text().strip("\n").split("\n\n")
        changed = [_changed(text, unit, properties) for text in blocks]
        assert changed != blocks
        (self.replayed / "units").write_text("\n\n".join(changed) + "\n")

    def read(self) -> SystemdStatus:
        return read_systemd(self.layout, self.shipped)

    def told(self) -> list[str]:
        return [str(problem) for problem in self.read().problems]

    def unit_file(self, name: str) -> Path:
        return self.places.below(f"{UNITS}/{name}")

    def link(self, unit: str) -> Path:
        return self.layout.unit_dir / f"{unit}.d/50-psi.conf"

    def _put_programs(self) -> None:
        self.programs.mkdir()
        for name in ("systemctl", "systemd-analyze"):
            script = self.programs / name
            argv = f"{sys.executable} -S {replay.__file__} {self.replayed} {name}"
            script.write_text(f'#!/bin/sh\nexec {argv} "$@"\n')
            script.chmod(0o755)

    def _install(self) -> None:
        """Install the units that were recorded; others may have come since."""
        recorded = (self.replayed / "units").read_text()
        units = shipped_folder()
        shutil.copytree(units, self.shipped, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
        for file in self.shipped.iterdir():
            if file.is_file() and f"Id={file.name}\n" not in recorded:
                file.unlink()
        version = self.places.versions / "1"
        (version / "psictl/bin").mkdir(parents=True)
        made_from = MadeFrom(suite="", interpreter=INTERPRETER, tpm=True, pkcs11=True, texts="")
        manifest = Manifest(
            version="1", made_from=made_from, wheelhouse=None, libraries={}, files=[]
        )
        (version / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        self.places.current.symlink_to("versions/1")
        self.places.skeleton.mkdir()
        self.places.launcher.parent.mkdir(parents=True)
        self.places.launcher.symlink_to(f"{self.places.prefix}/current/psictl/bin/psictl")
        texts = render(read_shipped(self.shipped, int(self.version)), self.places, INTERPRETER)
        for path, text in texts.items():
            file = self.places.below(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)


def _changed(text: str, unit: str, properties: dict[str, str]) -> str:
    lines = text.splitlines()
    if f"Id={unit}" not in lines:
        return text
    fields = dict(line.partition("=")[::2] for line in lines) | properties
    return "\n".join(f"{key}={value}" for key, value in fields.items())
