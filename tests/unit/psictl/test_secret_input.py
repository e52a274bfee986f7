"""A secret from a terminal: asked for, and never echoed."""

import os
import pty
import select
import subprocess
import sys
import time

import pytest

SCRIPT = (
    "import sys; from psictl.secret_input import read_secret;"
    "sys.stdout.write('got %d\\n' % len(read_secret('value: ', 100)))"
)
DEADLINE = 60


def _read_until(terminal: int, ending: bytes) -> bytes:
    text, end = b"", time.monotonic() + DEADLINE
    while ending not in text:
        ready, _, _ = select.select([terminal], [], [], end - time.monotonic())
        assert ready, text
        text += os.read(terminal, 1024)
    return text


@pytest.mark.parametrize(
    ("typed", "told"),
    [(b"hunter2\n", b"got 7"), (b"\n", b"nothing was given"), (b"\x04", b"nothing was given")],
)
def test_what_is_typed_is_read_and_not_shown(typed: bytes, told: bytes) -> None:
    terminal, other = pty.openpty()
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(
        command, stdin=other, stdout=other, stderr=other, start_new_session=True
    ) as process:
        try:
            shown = _read_until(terminal, b"value: ")
            os.write(terminal, typed)
            shown += _read_until(terminal, told)
            process.wait(DEADLINE)
        finally:
            os.close(other)
            os.close(terminal)
    assert b"hunter2" not in shown
