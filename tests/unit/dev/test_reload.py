"""``apply`` below the root of a running host: what changed is restarted, and only that."""

import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from psi.shared.errors import ConfigError, PsiError
from psi.shared.processes import Process
from psictl.apply import ApplyResult, apply
from psictl.layout import Layout
from tests.unit.dev.conftest import CONFIG, DEADLINE, Start, ask


def test_a_changed_projection_restarts_its_service_alone(
    start: Start, layout: Layout, config: Path
) -> None:
    host = start()
    before = host.line()["pids"]
    config.write_text(CONFIG.replace("/web", "/site"))
    result = apply(config, layout)
    assert (result.generation, result.restarted) == (2, (Process.BROKER,))
    line = host.line()
    assert line == {"restarted": "broker", "pid": ask(host.control)["pid"]}
    assert line["pid"] != before["broker"]
    assert ask(host.http)["pid"] == before["frontend"]
    assert "/site" in ask(host.control)["credentials"]["config.json"]


def test_an_unchanged_configuration_restarts_nothing(
    start: Start, layout: Layout, config: Path
) -> None:
    host = start()
    before = host.line()["pids"]
    assert apply(config, layout).restarted == ()
    config.write_text(CONFIG + "# a comment\n")
    assert apply(config, layout).restarted == ()
    assert ask(host.control)["pid"] == before["broker"]


def test_a_bad_configuration_restarts_nothing(start: Start, layout: Layout, config: Path) -> None:
    host = start()
    before = host.line()["pids"]
    config.write_text(CONFIG + "nonsense: 1\n")
    with pytest.raises(ConfigError):
        apply(config, layout)
    assert ask(host.control)["pid"] == before["broker"]


@pytest.mark.parametrize("process", [Process.FRONTEND, Process.PKI])
def test_a_service_that_is_down_is_started(
    process: Process, start: Start, layout: Layout, config: Path
) -> None:
    host = start()
    os.kill(host.line()["pids"][process], signal.SIGKILL)
    host.line()
    result = apply(config, layout)
    assert (result.written, result.restarted) == (False, (process,))
    path = host.http if process is Process.FRONTEND else layout.control_socket(process)
    assert host.line() == {"restarted": process, "pid": ask(path)["pid"]}


def test_the_listening_sockets_stay(start: Start, layout: Layout, config: Path) -> None:
    host = start()
    host.line()
    before = [path.stat().st_ino for path in (host.http, host.control)]
    config.write_text(CONFIG.replace("/web", "/site"))
    apply(config, layout)
    assert [path.stat().st_ino for path in (host.http, host.control)] == before


def test_a_caller_during_a_restart_is_answered_after_it(
    start: Start, layout: Layout, config: Path
) -> None:
    host = start(broker="stubborn")
    host.line()
    config.write_text(CONFIG.replace("/web", "/site"))
    thread = threading.Thread(target=apply, args=(config, layout))
    thread.start()
    host.line()
    told = ask(host.control)
    thread.join(DEADLINE)
    assert "/site" in told["credentials"]["config.json"]


def test_a_service_that_fails_on_the_new_configuration_is_told(
    start: Start, layout: Layout, config: Path
) -> None:
    host = start(broker="failing")
    host.line()
    config.write_text(CONFIG.replace("  web:", "  fail:"))
    with pytest.raises(PsiError, match="broker exited with code 3; the new generation is in force"):
        apply(config, layout)
    assert "restarted" in host.line()
    assert host.line() == {"exited": "broker", "code": 3}
    config.write_text(CONFIG)
    assert apply(config, layout).restarted == (Process.BROKER,)
    assert ask(host.control)["name"] == "broker"


def test_the_ready_line_follows_once_a_failure_is_mended(
    start: Start, layout: Layout, config: Path
) -> None:
    config.write_text(CONFIG.replace("  web:", "  fail:"))
    host = start(broker="failing")
    assert host.line() == {"exited": "broker", "code": 3}
    config.write_text(CONFIG)
    apply(config, layout)
    assert "restarted" in host.line()
    assert host.line()["ready"]


def test_a_service_that_does_not_get_ready_is_told(
    start: Start, layout: Layout, config: Path
) -> None:
    host = start(broker="mute,hasty")
    ask(host.control)
    config.write_text(CONFIG.replace("/web", "/site"))
    with pytest.raises(PsiError, match=r"broker is not READY after 0\.5 s"):
        apply(config, layout)


def test_a_credential_that_is_missing_is_told(start: Start, layout: Layout, config: Path) -> None:
    host = start()
    host.line()
    named = CONFIG.replace("client_secret: hunter2", "client_secret_credential: shop-secret")
    config.write_text(named)
    with pytest.raises(PsiError, match="broker cannot be started: credential shop-secret"):
        apply(config, layout)
    assert ask(host.http)["name"] == "frontend"
    assert host.stop() == 0


def test_without_a_host_nothing_is_restarted(layout: Layout, config: Path) -> None:
    assert apply(config, layout).restarted == ()


def test_a_host_that_was_killed_is_no_host(start: Start, layout: Layout, config: Path) -> None:
    host = start()
    host.line()
    host.process.kill()
    host.process.wait(DEADLINE)
    assert layout.development_socket.exists()
    assert apply(config, layout).restarted == ()


def test_a_host_that_ends_during_the_request_is_told(layout: Layout, config: Path) -> None:
    layout.run.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(layout.development_socket))
        listening.listen()

        def hang_up() -> None:
            listening.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(PsiError, match="psictl dev did not answer"):
            apply(config, layout)
        thread.join(DEADLINE)


def test_stopping_during_a_reload_stops(start: Start, layout: Layout, config: Path) -> None:
    host = start(broker="mute")
    ask(host.control)
    config.write_text(CONFIG.replace("/web", "/site"))
    errors: list[str] = []

    def run() -> ApplyResult | None:
        try:
            return apply(config, layout)
        except PsiError as error:
            errors.append(str(error))
            return None

    thread = threading.Thread(target=run)
    thread.start()
    assert "restarted" in host.line()
    assert host.stop() == 0
    thread.join(DEADLINE)
    assert "did not answer" in errors[0]
    assert "Traceback" not in host.errors()


@pytest.mark.parametrize("request_bytes", [b"", b"reload", b"restart\n", b"\0" * 100])
def test_another_word_on_the_control_socket_does_nothing(
    start: Start, layout: Layout, request_bytes: bytes
) -> None:
    host = start()
    before = host.line()["pids"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(DEADLINE)
        connection.connect(str(layout.development_socket))
        connection.sendall(request_bytes)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert ask(host.control)["pid"] == before["broker"]
