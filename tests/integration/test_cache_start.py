"""Starting: READY comes in time whatever the sealer does, and SIGTERM ends a start at once."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from psi.shared.messages.broker_cache import (
    Refresh,
    RefreshReply,
)
from tests.fakes.sealer_stub.host import Host, host, seed, wait_for

VALUES = {"A": "value a", "B": "value b"}
QUICK = {"cache_write_seconds": 0.02, "device_retry_seconds": 0.05, "boot_grace_seconds": 0.01}


def filled(running: Host) -> str:
    """Have a cache on the disk and nothing running; return the id of A."""
    known = running.map(1, "A")
    running.start()
    assert running.look_up([known]) == [b"value a"]
    running.written()
    running.stop()
    return known


@pytest.fixture
def waiting() -> Iterator[Host]:
    """Give a host whose broker waits for its cache for long."""
    with host(seed(VALUES), limits={**QUICK, "cache_load_seconds": 600}) as running:
        yield running


def spawn(running: Host) -> "subprocess.Popen[bytes]":
    """Start the broker without awaiting READY."""
    process = running.broker._spawn(running.root / "nobody.notify")
    running.broker.process = process
    return process


def test_a_sigterm_while_the_sealer_hangs_ends_the_start_at_once_and_cleanly(
    waiting: Host,
) -> None:
    """Nobody accepts on the sealer's socket: the request for the key has no answer."""
    filled(waiting)
    before = (waiting.state / "cache.enc").read_bytes()
    process = spawn(waiting)
    wait_for(waiting.cache, lambda status: status.state == "loading")
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0, waiting.broker.text()
    assert time.monotonic() - begun < 15
    assert "psi-broker: stopping" in waiting.broker.text()
    assert (waiting.state / "cache.enc").read_bytes() == before


def test_ready_is_not_said_while_it_loads_and_said_when_it_has(waiting: Host) -> None:
    known = filled(waiting)
    path = waiting.root / "broker.ready"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.setblocking(False)
        waiting.broker.process = waiting.broker._spawn(path)
        wait_for(waiting.cache, lambda status: status.state == "loading")
        with pytest.raises(BlockingIOError):
            notify.recv(100)
        assert waiting.look_up([known]) == [b"value a"], "live meanwhile"
        waiting.sealer.start()
        notify.settimeout(30)
        assert b"READY=1" in notify.recv(100)
    assert waiting.cache().state == "loaded"


def test_ready_is_said_after_a_while_and_the_cache_is_merged_when_the_sealer_comes() -> None:
    with host(seed(VALUES), limits={**QUICK, "cache_load_seconds": 0.2}) as running:
        known = filled(running)
        other = running.map(2, "B")
        before = (running.state / "cache.enc").read_bytes()
        running.broker.start()
        assert running.cache().state == "loading"
        assert running.look_up([other]) == [b"value b"]
        assert (running.state / "cache.enc").read_bytes() == before
        running.sealer.start()
        wait_for(running.cache, lambda status: status.state == "loaded")
        running.infisical.kill()
        assert running.look_up([known, other]) == [b"value a", b"value b"]
        assert running.written().entries == 2


def test_a_degraded_sealer_holds_no_start_and_status_says_why() -> None:
    """The keyslot file is damaged: nothing can be opened, nothing is overwritten."""
    with host(seed(VALUES), limits=QUICK) as running:
        known = filled(running)
        slots = running.sealed / "keyslots"
        good, cache = slots.read_bytes(), (running.state / "cache.enc").read_bytes()
        slots.write_bytes(good[:-1])
        running.start()
        status = running.cache()
        assert status.state == "unreadable"
        assert "cache.enc cannot be opened" in status.detail
        assert "keyslot file" in status.detail
        assert "degraded" in status.sealer
        assert running.look_up([known]) == [b"value a"], "live lookups go on"
        (reply,) = running.ask("broker", Refresh())
        assert isinstance(reply, RefreshReply)
        assert (running.state / "cache.enc").read_bytes() == cache
        running.sealer.stop()
        slots.write_bytes(good)
        running.sealer.start()
        wait_for(running.cache, lambda status: status.state == "loaded")
        running.infisical.kill()
        assert running.look_up([known]) == [b"value a"]


def test_what_is_pending_at_a_stop_is_written_with_the_sealer_dead() -> None:
    """Its key was wrapped ahead (r23): the last write asks no one."""
    with host(seed(VALUES), limits={**QUICK, "cache_write_seconds": 3600}) as running:
        known = running.map(1, "A")
        running.start()
        wait_for(running.device, lambda status: status.wraps > 0)
        assert running.look_up([known]) == [b"value a"]
        assert running.cache().pending
        running.sealer.kill()
        assert running.broker.stop() == 0
        assert (running.state / "cache.enc").stat().st_size > 0
        running.infisical.kill()
        running.sealer.start()
        running.broker.start()
        assert running.look_up([known]) == [b"value a"]


def test_what_a_kill_left_half_written_is_swept(waiting: Host) -> None:
    filled(waiting)
    (waiting.state / "sealed").mkdir()
    litter = [
        waiting.state / ".cache.enc.0123abcd.tmp",
        waiting.state / "sealed/.BOOT.0123abcd.tmp",
    ]
    for path in litter:
        path.write_bytes(b"half")
    waiting.start()
    assert not any(path.exists() for path in litter)
