"""The operational log: one clean line per event, and nothing that a peer sent in a fault."""

import io
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from psi.shared import log as log_module
from psi.shared.log import Log
from psi.shared.processes import Process
from psi.shared.text import has_control

LOG = Log(Process.BROKER)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Take the lines of the broker's logger, formatted as a service formats them."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(log_module._Formatter())
    logger = logging.getLogger("psi-broker")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_a_line_is_an_event_and_its_fields(written: io.StringIO) -> None:
    LOG.info("cache.loaded", entries=3, source="file")
    assert written.getvalue() == "<6>psi-broker: cache.loaded entries=3 source=file\n"


@pytest.mark.parametrize(
    ("method", "priority"), [("debug", 7), ("info", 6), ("warning", 4), ("error", 3)]
)
def test_a_line_has_its_syslog_priority(method: str, priority: int, written: io.StringIO) -> None:
    getattr(LOG, method)("event")
    assert written.getvalue() == f"<{priority}>psi-broker: event\n"


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("plain", "plain"),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('say "x"', r'"say \"x\""'),
        ('a\\ "b', r'"a\\ \"b"'),
        ("", '""'),
        (None, "None"),
        (7, "7"),
    ],
)
def test_a_value_that_could_be_misread_is_quoted(
    value: object, quoted: str, written: io.StringIO
) -> None:
    LOG.info("event", field=value)
    assert written.getvalue() == f"<6>psi-broker: event field={quoted}\n"


@pytest.mark.parametrize(
    "hostile", ["a\n<2>psi-broker: forged", "\x1b[2J", "\r", "\0", "\u2028x", "\u202e", "\ud800"]
)
def test_a_control_character_reaches_no_line(hostile: str, written: io.StringIO) -> None:
    LOG.warning("peer.closed", cause=hostile)
    (line,) = written.getvalue().split("\n")[:-1]
    assert not has_control(line)
    assert "?" in line


def test_a_librarys_message_is_one_clean_line(written: io.StringIO) -> None:
    logging.getLogger("psi-broker").warning("peer said %s", "a\n<2>forged\x1b[2J")
    assert written.getvalue() == "<4>psi-broker: peer said a?<2>forged?[2J\n"


def test_a_long_value_is_cut(written: io.StringIO) -> None:
    LOG.info("event", field="x" * 10_000)
    assert len(written.getvalue()) < 400


def test_a_fault_tells_its_type_and_place_and_not_its_text(written: io.StringIO) -> None:
    try:
        raise KeyError("hunter2")  # noqa: TRY301  # a fault as it happens
    except KeyError as error:
        LOG.fault("request.failed", error, caller="frontend")
    line = written.getvalue()
    assert "hunter2" not in line
    assert line.startswith("<3>psi-broker: request.failed fault=KeyError at=")
    assert "test_log.py:" in line
    assert line.endswith(" caller=frontend\n")


def test_a_fault_that_was_never_raised_has_no_place(written: io.StringIO) -> None:
    LOG.fault("request.failed", ValueError("hunter2"))
    assert written.getvalue() == "<3>psi-broker: request.failed fault=ValueError at=unknown\n"


_CHILD = """
import logging
from psi.shared.log import Log, configure_logging
from psi.shared.processes import Process
configure_logging()
logging.getLogger("httpx").info("GET https://example.org/secrets/DB_PASSWORD")
logging.getLogger("asyncio").warning("slow\\nsecond")
Log(Process.FRONTEND).debug("unseen")
Log(Process.FRONTEND).info("seen")
try:
    raise ValueError("hunter2")
except ValueError:
    logging.getLogger("psi-frontend").exception("failed")
"""


def test_a_process_logs_to_stderr_and_its_libraries_keep_quiet() -> None:
    """At INFO httpx names each URL, and with it secrets; no traceback shows its text."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "<4>asyncio: slow?second",
        "<6>psi-frontend: seen",
        "<3>psi-frontend: failed",
    ]
