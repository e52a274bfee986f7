"""A child that does not get ready says why, and none outlives its context."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks.child import Child
from benchmarks.failure import BenchmarkError


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


READY = "print('{\"ready\": true}', flush=True); import signal; signal.pause()"


def test_the_ready_line_is_returned(folder: Path) -> None:
    with Child("it", python(READY), folder / "log") as child:
        assert child.ready() == {"ready": True}


def test_a_child_that_dies_shows_the_end_of_its_standard_error(folder: Path) -> None:
    child = Child("it", python("raise SystemExit('no such socket')"), folder / "log")
    with child, pytest.raises(BenchmarkError, match=r"(?s)it did not get ready.*no such socket"):
        child.ready()


def test_a_child_that_says_nothing_is_given_up(folder: Path) -> None:
    child = Child("it", python("import signal; signal.pause()"), folder / "log")
    with child, pytest.raises(BenchmarkError, match="did not get ready"):
        child.ready(seconds=0.05)


def test_a_child_that_says_no_json_is_given_up(folder: Path) -> None:
    child = Child("it", python("print('hello')"), folder / "log")
    with child, pytest.raises(BenchmarkError, match="did not get ready"):
        child.ready()


def test_the_child_is_gone_after_its_context(folder: Path) -> None:
    code = "import os, json; print(json.dumps({'pid': os.getpid()}), flush=True); input()"
    with Child("it", python(code), folder / "log") as child:
        pid = child.ready()["pid"]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
