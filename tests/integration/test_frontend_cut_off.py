"""The frontend ends after any byte of a reply: curl never exits 0 with a wrong value.

curl 7.88.1 takes a connection that ends inside a reply's head for a success without a body, and
-f does not help. So the frontend leaves the request unread until the reply is out: the kernel
then resets the connection of a process that dies, and a reset is an error to curl.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from psi.frontend.replies import error_reply, value_reply
from psi.shared.messages.base import Refused
from tests.fakes.broker_stub.acts import value_of
from tests.fakes.broker_stub.stub import BrokerStub, Script
from tests.fakes.launcher import listening
from tests.unit.broker.chain import Driven, drive
from tests.unit.frontend.rig import running

ID = "0123456789abcdef012345678"
VALUE = b"a value of sixty bytes, as long as a good password may be..!"
LARGE = VALUE * 8_000
REFUSAL = error_reply(404, "absent", "gone")


@contextmanager
def dying(root: Path, counts: range, script: Script) -> Iterator[Path]:
    """Run frontends that die after each count of bytes, behind one socket."""
    http = root / "psi.sock"
    stub = BrokerStub(root / "run/psi-ipc/broker-frontend/sock", script)
    words = map(str, (counts.start, counts.stop, counts.step))
    command = [sys.executable, "-m", "tests.unit.frontend.dying", *words]
    environment = {
        "PATH": os.environ["PATH"],
        "PSI_DEV_ROOT": str(root),
        "PSI_DEV_PEER_UID": str(os.getuid()),
    }
    with listening(http) as listener, stub:
        shell = f'exec "$@" 3<&{listener.fileno()}'
        with subprocess.Popen(
            ["/bin/bash", "-c", shell, "sh", *command],
            pass_fds=[listener.fileno()],
            env=environment,
        ) as process:
            try:
                yield http
            finally:
                process.kill()


def lookups(root: Path, counts: range, script: Script) -> Iterator[tuple[int, Driven]]:
    """Yield how the driver command ended for each count of bytes."""
    with dying(root, counts, script) as http:
        for count in counts:
            yield count, drive(http, "lookup", ID)


def test_a_value_cut_after_any_byte_is_an_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    counts = range(len(value_reply(VALUE)))
    root = tmp_path_factory.mktemp("d")
    for count, ended in lookups(root, counts, lambda r: value_of(r, VALUE)):
        assert ended.code != 0, f"{count} bytes: {ended}"
        assert ended.code != 28, f"{count} bytes: it hung"


def test_a_refusal_cut_after_any_byte_is_an_error(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("d")
    script: Script = lambda r: Refused(id=r.id, code="absent", detail="gone")  # noqa: E731  # typed
    for count, ended in lookups(root, range(0, len(REFUSAL), 2), script):
        assert ended.code not in {0, 28}, f"{count} bytes: {ended}"
        assert ended.value == b""


def test_a_large_value_cut_anywhere_is_an_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    size = len(value_reply(LARGE))
    root = tmp_path_factory.mktemp("d")
    for count, ended in lookups(root, range(50_000, size, 61_111), lambda r: value_of(r, LARGE)):
        assert ended.code not in {0, 28}, f"{count} bytes"


def test_a_whole_value_is_a_success_although_the_frontend_dies_then(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    whole = len(value_reply(VALUE))
    root = tmp_path_factory.mktemp("d")
    for _, ended in lookups(root, range(whole, whole + 1), lambda r: value_of(r, VALUE)):
        assert (ended.code, ended.value) == (0, VALUE)


def test_under_load_a_killed_frontend_gives_the_value_or_an_error(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running(tmp_path_factory.mktemp("d")) as pair:
        pair.stub.script = lambda r: value_of(r, LARGE)
        over = threading.Event()

        def asking() -> list[Driven]:
            ended = []
            while not over.is_set():
                ended.append(drive(pair.http, "lookup", ID))
            return ended

        with ThreadPoolExecutor(4) as pool:
            askers = [pool.submit(asking) for _ in range(4)]
            for moment in (0.05, 0.13, 0.21, 0.34):
                over.wait(moment)
                os.kill(pair.frontend.pid, signal.SIGKILL)
                assert pair.frontend.process is not None
                pair.frontend.process.wait(10)
                pair.frontend.start()
            over.set()
            results = [ended for asker in askers for ended in asker.result()]
    assert any(ended.code == 0 for ended in results)
    for ended in results:
        assert ended.code != 28, "it hung"
        assert ended.code != 0 or ended.value == LARGE
