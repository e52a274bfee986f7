"""A host below a short temporary folder: fake services in it, and psictl run against them."""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec

from psi.shared.processes import Process
from psictl.__main__ import run
from psictl.layout import Layout
from tests.fakes.broker.frontend import FakeFrontend
from tests.fakes.broker.server import FakeBroker
from tests.fakes.broker.world import World
from tests.fakes.pki.server import FakePki, PkiWorld
from tests.fakes.sealer.server import FakeSealer
from tests.fakes.sealer.world import SealerWorld

COMMAND_SECONDS = 60
"""Far above what any command here takes: a test that reaches it has hung."""
PODMAN = Path(__file__).resolve().parents[1] / "podman"


class Ended(NamedTuple):
    """A command that has ended."""

    code: int
    out: bytes
    err: str

    def json(self) -> Any:
        """Return the one JSON value on stdout."""
        return msgspec.json.decode(self.out)


class Host:
    """Layout, worlds and fakes; the services listen while it is entered."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="psi-", dir="/tmp"))  # sockets need short paths
        self.layout = Layout(self.root)
        self.world = World()
        self.broker = FakeBroker(self.layout.control_socket(Process.BROKER), self.world)
        self.sealed = SealerWorld()
        self.sealer = FakeSealer(self.layout.control_socket(Process.SEALER), self.sealed)
        self.certificates = PkiWorld()
        self.pki = FakePki(self.layout.control_socket(Process.PKI), self.certificates)
        self.frontend = FakeFrontend(self.layout.http_socket, self.world)
        self.environment = dict(os.environ)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.callback(shutil.rmtree, self.root)
        self._stack.enter_context(self.broker)
        self._stack.enter_context(self.sealer)
        self._stack.enter_context(self.pki)
        self._stack.enter_context(self.frontend)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def use_fake_podman(self, version: str = "5.4.2") -> Path:
        """Put the stand-in podman first in the PATH; return its folder."""
        programs = self.root / "bin"
        programs.mkdir()
        (programs / "podman").write_text(f'#!/bin/sh\nexec {sys.executable} {PODMAN} "$@"\n')
        (programs / "podman").chmod(0o755)
        folder = self.root / "podman"
        self.environment |= {
            "PATH": f"{programs}:{self.environment['PATH']}",
            "FAKE_PODMAN_DIR": str(folder),
            "FAKE_PODMAN_VERSION": version,
        }
        return folder

    def command(self, *arguments: str, stdin: bytes = b"") -> Ended:
        """Run a command inside this process, which is some twenty times faster."""
        raw, err = BytesIO(), StringIO()
        out = TextIOWrapper(raw, "utf-8", newline="")
        before, sys.stdin = sys.stdin, TextIOWrapper(BytesIO(stdin), "utf-8")
        code: object = None
        try:
            with redirect_stdout(out), redirect_stderr(err):
                run(["--root", str(self.root), *arguments])
        except SystemExit as ended:
            code = ended.code
        finally:
            sys.stdin = before
        out.flush()
        assert isinstance(code, int)
        return Ended(code, raw.getvalue(), err.getvalue())

    def psictl(self, *arguments: str, stdin: bytes = b"") -> Ended:
        """Run psictl as a person does, below this root."""
        done = subprocess.run(
            [sys.executable, "-m", "psictl", "--root", str(self.root), *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert b"Traceback" not in done.stderr
        return Ended(done.returncode, done.stdout, done.stderr.decode())
