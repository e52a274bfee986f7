"""Listening sockets from systemd: what is taken, and each way to be refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from psi.shared.activation import listening_sockets
from psi.shared.errors import ConfigError

_EXPECTED = frozenset({"frontend", "ctl"})

# The descriptors start at 3, so that each trial has a process of its own. It makes what its
# arguments say, from 3 on, and tells what became of it.
_CHILD = """
import json, os, socket, sys
from psi.shared.activation import listening_sockets
from psi.shared.errors import ConfigError

folder, names, *kinds = sys.argv[1:]

def make(index, kind):
    if kind == "file":
        return os.open("/dev/null", os.O_RDONLY)
    if kind == "inet":
        made = socket.socket(socket.AF_INET)
        made.bind(("127.0.0.1", 0))
    else:
        type_ = {"datagram": socket.SOCK_DGRAM, "packets": socket.SOCK_SEQPACKET}
        made = socket.socket(socket.AF_UNIX, type_.get(kind, socket.SOCK_STREAM))
        made.bind(f"{folder}/{index}")
    if kind in {"listening", "packets", "inet"}:
        made.listen()
    return made.detach()

for index, kind in enumerate(kinds):
    if kind == "closed":
        continue
    made = make(index, kind)
    if made != 3 + index:
        os.dup2(made, 3 + index)
        os.close(made)
environment = {
    "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(kinds)), "LISTEN_FDNAMES": names,
}
try:
    passed = listening_sockets(frozenset({"frontend", "ctl"}), environment)
except ConfigError as error:
    print(json.dumps({"error": str(error)}))
else:
    print(json.dumps({
        name: [each.fileno(), each.getsockname(), each.getblocking(),
               os.get_inheritable(each.fileno())]
        for name, each in passed.items()
    }))
"""


def _try(folder: Path, names: str, *kinds: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(folder), names, *kinds],
        capture_output=True,
        timeout=60,
        check=True,
        close_fds=True,
    )
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("names", [("frontend", "ctl"), ("ctl", "frontend")])
def test_a_socket_is_known_by_its_name_in_any_order(names: tuple[str, str], folder: Path) -> None:
    passed = _try(folder, ":".join(names), "listening", "listening")
    assert passed == {
        name: [3 + index, f"{folder}/{index}", False, False] for index, name in enumerate(names)
    }


@pytest.mark.parametrize("kind", ["datagram", "packets", "inet", "connecting", "file", "closed"])
def test_a_descriptor_that_is_no_listening_unix_stream_is_refused(kind: str, folder: Path) -> None:
    answer = _try(folder, "frontend:ctl", "listening", kind)
    assert "descriptor 4 is no " in str(answer["error"])


@pytest.mark.parametrize(
    "names",
    [
        "frontend:other", "frontend", "frontend:ctl:pki", "frontend:frontend", "", "frontend:",
        ":", "frontend:CTL", "frontend:ctl ", "unknown:unknown",
    ],
)  # fmt: skip
def test_other_names_are_refused(names: str, folder: Path) -> None:
    answer = _try(folder, names, "listening", "listening")
    assert "expected the sockets ctl, frontend, got" in str(answer["error"])
    assert "psictl dev" in str(answer["error"])


def test_one_socket_too_few_is_refused(folder: Path) -> None:
    assert "error" in _try(folder, "frontend", "listening")


def test_one_socket_too_many_is_refused(folder: Path) -> None:
    assert "error" in _try(folder, "frontend:ctl:more", "listening", "listening", "listening")


@pytest.mark.parametrize("pid", [None, "", "1", "x", "4194305"])
def test_sockets_for_another_process_are_refused(pid: str | None) -> None:
    environment = {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "frontend:ctl"}
    if pid is not None:
        environment["LISTEN_PID"] = pid
    with pytest.raises(ConfigError, match="no listening sockets were passed to this process"):
        listening_sockets(_EXPECTED, environment)


@pytest.mark.parametrize("count", ["", "x", "-1", "0", "3", "1", "2.0", " 2", "\u0662", "²", "2\n"])
def test_another_count_is_refused(count: str) -> None:
    environment = {
        "LISTEN_PID": str(os.getpid()),
        "LISTEN_FDS": count,
        "LISTEN_FDNAMES": "frontend:ctl",
    }
    with pytest.raises(ConfigError, match="expected the sockets"):
        listening_sockets(_EXPECTED, environment)


def test_without_names_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected the sockets"):
        listening_sockets(_EXPECTED, {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"})


def test_by_default_the_processs_own_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LISTEN_PID", raising=False)
    with pytest.raises(ConfigError, match="psictl dev"):
        listening_sockets(_EXPECTED)
