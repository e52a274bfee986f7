"""The command line itself: help, usage, exit codes, and that nobody ever sees a traceback."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from psi.shared.messages import broker as b
from psi.shared.processes import Process
from psictl.cli import COMMANDS
from tests.fakes.broker.host import COMMAND_SECONDS, Host
from tests.fakes.broker.server import Silence

PSICTL = [sys.executable, "-m", "psictl"]
LEAVES = [
    ["apply"], ["setup"], ["install"], ["status"], ["dev"],
    ["infisical", "login"], ["infisical", "env"], ["infisical", "write-file"], ["seal"],
    *(["cache", name] for name in (
        "init", "status", "refresh", "invalidate", "reseal", "slots", "add-slot", "remove-slot",
        "recover",
    )),
]  # fmt: skip  # words


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as entered:
        yield entered


def run(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*PSICTL, *arguments], capture_output=True, timeout=COMMAND_SECONDS, check=False
    )


@pytest.mark.parametrize("command", [[], ["infisical"], ["cache"], *LEAVES], ids=" ".join)
def test_every_help_has_an_example(command: list[str]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert b"Example: " in done.stdout


def test_the_help_of_all_has_the_first_line_of_each() -> None:
    told = run("--help").stdout.decode()
    for name, entry in COMMANDS.items():
        assert f"  {name}" in told
        assert entry.help in told
        assert entry.help == entry.help.strip()


def test_the_help_loads_no_command() -> None:
    script = "import sys; from psictl.__main__ import main\ntry: main(['--help'])\nfinally: "
    script += "sys.stderr.write(','.join(m for m in ('httpx','yaml','rich','cryptography') "
    script += "if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=COMMAND_SECONDS, check=True
    )
    assert done.stderr == b""


def test_the_version_is_told() -> None:
    assert run("--version").stdout.startswith(b"psictl ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["status", "--frobnicate"],
        ["infisical", "env"],
        ["infisical", "env", "--project", "p", "--format", "xml"],
        ["infisical", "env", "--project", "../p"],
        ["infisical", "env", "--project", "p", "--path", "/../x"],
        ["infisical", "env", "--project", "p", "--environment", "a b"],
        ["infisical", "env", "--project", "p", "--only", "A B"],
        ["infisical", "write-file", "K", "out", "--project", "p", "--mode", "4755"],
        ["infisical", "write-file", "a/b", "out", "--project", "p"],
        ["--root", "/" + "a" * 60, "status"],
        ["dev"],
        ["dev", "--config", "/dev/null"],
        ["apply", "--config", "/nonexistent/config.yaml"],
    ],
    ids=" ".join,
)
def test_bad_usage_is_exit_2_with_a_message(host: Host, arguments: list[str]) -> None:
    done = run(*(["--root", str(host.root)] if "--root" not in arguments else []), *arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr
    assert done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["status"], ["setup"], ["setup", "--no-podman"], ["infisical", "login"],
        ["infisical", "env", "--project", "p"],
        ["infisical", "write-file", "K", "never-written", "--project", "p"],
    ],
    ids=" ".join,
)  # fmt: skip  # words
def test_without_services_every_command_is_exit_4(command: list[str]) -> None:
    done = run("--root", "/srv/psi-nothing-is-here", *command)
    assert done.returncode == 4
    assert b"start it with psictl dev" in done.stderr
    assert b"Traceback" not in done.stderr
    assert not Path("never-written").exists()


def test_an_interrupt_is_exit_130_and_quiet(host: Host) -> None:
    host.broker.answers[b.BrokerStatus] = lambda _: Silence
    with subprocess.Popen(
        [*PSICTL, "--root", str(host.root), "status"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        host.broker.wait_for_requests(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=COMMAND_SECONDS)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_a_reader_that_left_gets_no_traceback(host: Host) -> None:
    host.world.values["main", "/"] = {f"K{number}": b"x" * 100_000 for number in range(9)}
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PSICTL, "--root", str(host.root), "infisical", "env", "--project", "main"],
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    os.close(writing)
    assert done.returncode != 0
    assert done.stderr == b""


def test_a_fault_is_one_line_without_its_text() -> None:
    script = (
        "import sys; from psictl import __main__ as m\n"
        "sys.excepthook = m._report_fault\n"
        "raise RuntimeError('the-secret')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=COMMAND_SECONDS, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"RuntimeError" in done.stderr
    assert b"the-secret" not in done.stderr


def test_a_hostile_broker_gets_no_escape_sequence_to_the_terminal(host: Host) -> None:
    host.world.status = {
        "version": "1\x1b]0;owned\x07",
        "api_url": "http://x/\x1b[2J\nforged: line",
    }
    host.world.identities = [
        b.IdentityStatus(scope="\x1b[31m", method="\n", identity="\r", state="refused",
                         expires_at=1e300)
    ]  # fmt: skip  # one identity
    for arguments in (["status"], ["status", "--json"]):
        done = host.psictl(*arguments)
        assert done.code == 3
        assert not set(done.out.decode() + done.err) & set("\x1b\x07\r")
        assert b"\nforged" not in done.out


def test_the_control_socket_is_below_the_root(host: Host) -> None:
    assert host.psictl("status").code == 0
    assert host.broker.path == host.layout.control_socket(Process.BROKER)
