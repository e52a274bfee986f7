"""What a development host gives its services, prints, and does when it is told to stop."""

import os
import signal
import socket
import stat
from pathlib import Path

import pytest

from psi.shared.processes import Process
from psi.shared.projection import BrokerProjection, decode_projection
from psictl.layout import Layout
from tests.unit.dev.conftest import CONFIG, DEADLINE, Start, ask, is_alive, wait_for


def test_the_ready_line(start: Start, layout: Layout) -> None:
    host = start()
    line = host.line()
    pids = line.pop("pids")
    assert line == {
        "ready": True,
        "http": str(layout.root / "run/psi/psi.sock"),
        "ctl": {
            "broker": str(layout.root / "run/psi-ctl/broker.sock"),
            "pki": str(layout.root / "run/psi-ctl/pki.sock"),
        },
    }
    assert pids == {
        "frontend": ask(host.http)["pid"],
        "broker": ask(host.control)["pid"],
        "pki": ask(layout.control_socket(Process.PKI))["pid"],
    }


def test_a_descriptor_carries_its_callers_role(start: Start, layout: Layout) -> None:
    host = start()
    host.line()
    told = [
        ask(host.http),
        ask(host.control),
        ask(layout.root / "run/psi-ipc/broker-frontend/sock"),
        ask(layout.root / "run/psi-ipc/broker-pki/sock"),
        ask(layout.root / "run/psi-ctl/pki.sock"),
    ]
    assert [(each["name"], each["socket"]) for each in told] == [
        ("frontend", "http"),
        ("broker", "ctl"),
        ("broker", "frontend"),
        ("broker", "pki"),
        ("pki", "ctl"),
    ]


def test_the_environment_is_minimal(start: Start, layout: Layout) -> None:
    host = start()
    host.line()
    told = ask(host.control)
    environment = told["environment"]
    assert set(environment) - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        "CREDENTIALS_DIRECTORY",
        "LANG",
        "LISTEN_FDNAMES",
        "LISTEN_FDS",
        "LISTEN_PID",
        "NOTIFY_SOCKET",
        "PATH",
        "PSI_DEV_PEER_UID",
        "PSI_DEV_ROOT",
    }
    assert environment["LISTEN_PID"] == str(told["pid"])
    assert (environment["LISTEN_FDS"], environment["LISTEN_FDNAMES"]) == ("3", "frontend:pki:ctl")
    assert environment["PSI_DEV_PEER_UID"] == str(os.geteuid())
    assert environment["PSI_DEV_ROOT"] == str(layout.root)


def test_a_child_starts_as_under_systemd(start: Start) -> None:
    host = start()
    host.line()
    told = ask(host.control)
    # Standard streams, its three sockets, and the folder that it is reading just then.
    assert told["descriptors"][:6] == [0, 1, 2, 3, 4, 5]
    assert len(told["descriptors"]) == 7
    assert (told["umask"], told["folder"], told["mode"]) == ("0o77", "/", "0o700")


def test_a_service_gets_its_own_credentials_alone(start: Start) -> None:
    host = start()
    host.line()
    assert ask(host.http)["credentials"] == {}
    assert ask(host.layout.control_socket(Process.PKI))["credentials"] == {}
    credentials = ask(host.control)["credentials"]
    assert set(credentials) == {"config.json"}
    projection = decode_projection(credentials["config.json"].encode(), BrokerProjection)
    assert list(projection.workloads) == ["web"]
    assert projection.state_dir == str(host.layout.state)


def test_limits_reach_every_service(start: Start, tmp_path: Path) -> None:
    limits = tmp_path / "limits.json"
    limits.write_text('{"lookup_seconds": 2}')
    host = start(limits=str(limits))
    host.line()
    for path in (host.http, host.control, host.layout.control_socket(Process.PKI)):
        assert ask(path)["credentials"]["limits.json"] == '{"lookup_seconds": 2}'


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"lookup_seconds": 0}', '{"lookup_seconds": "1"}', '{"unknown": 1}'],
)
def test_bad_limits_are_refused_at_once(start: Start, tmp_path: Path, text: str) -> None:
    limits = tmp_path / "limits.json"
    limits.write_text(text)
    host = start(limits=str(limits))
    assert host.process.wait(DEADLINE) == 2
    assert f"--limits {limits}" in host.errors()


def test_a_named_credential_comes_from_the_credential_store(
    start: Start, layout: Layout, config: Path
) -> None:
    named = CONFIG.replace("client_secret: hunter2", "client_secret_credential: shop-secret")
    config.write_text(named)
    layout.credstore.mkdir(parents=True)
    (layout.credstore / "shop-secret").write_text("s3cret")
    (layout.credstore / "other").write_text("not asked for")
    host = start()
    host.line()
    credentials = ask(host.control)["credentials"]
    assert set(credentials) == {"config.json", "shop-secret"}
    assert credentials["shop-secret"] == "s3cret"


def test_a_named_credential_that_is_missing_is_told(start: Start, config: Path) -> None:
    named = CONFIG.replace("client_secret: hunter2", "client_secret_credential: shop-secret")
    config.write_text(named)
    host = start()
    assert host.process.wait(DEADLINE) == 1
    assert "credential shop-secret: cannot read" in host.errors()


def test_a_credential_may_not_take_the_place_of_the_configuration(
    start: Start, config: Path
) -> None:
    named = CONFIG.replace("client_secret: hunter2", "client_secret_credential: config.json")
    config.write_text(named)
    host = start()
    assert host.process.wait(DEADLINE) == 2
    assert "is PSI's own name" in host.errors()


def test_sockets_have_the_modes_of_the_design(start: Start, layout: Layout) -> None:
    host = start()
    host.line()
    run = layout.root / "run"
    private = ["psi/psi.sock", "psi-ctl/broker.sock", "psi-ctl/pki.sock", "dev.sock"]
    between = ["psi-ipc/broker-frontend/sock", "psi-ipc/broker-pki/sock"]
    modes = [stat.S_IMODE((run / path).stat().st_mode) for path in (*private, *between)]
    assert modes == [0o600] * len(private) + [0o660] * len(between)


def test_only_its_own_lines_are_on_stdout(start: Start) -> None:
    host = start()
    assert host.line()["ready"]
    assert host.stop() == 0
    assert host.errors().count("to stdout") == 3


def test_it_says_that_there_are_no_walls(start: Start) -> None:
    host = start()
    host.line()
    host.stop()
    assert f"services run as uid {os.geteuid()}, and peers must have that uid" in host.errors()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_callers_before_their_servers(start: Start, number: int) -> None:
    host = start()
    pids = host.line()["pids"]
    assert host.stop(number) == 0
    assert host.events() == ["stopping frontend", "stopping pki", "stopping broker"]
    assert not any(is_alive(pid) for pid in pids.values())


def test_stopping_leaves_no_socket_and_no_credential(start: Start, layout: Layout) -> None:
    host = start()
    host.line()
    host.stop()
    left = [path for path in (layout.root / "run").rglob("*") if not path.is_dir()]
    assert [path.name for path in left] == ["dev.lock"]
    assert list((layout.root / "run/credentials").iterdir()) == []


def test_a_service_that_does_not_drain_is_killed(start: Start) -> None:
    host = start(frontend="stubborn")
    pids = host.line()["pids"]
    assert host.stop() == 0
    assert host.events()[-1] == "stopping broker"
    assert not any(is_alive(pid) for pid in pids.values())


def test_a_death_is_printed_and_the_others_go_on(start: Start) -> None:
    host = start()
    os.kill(host.line()["pids"]["broker"], signal.SIGKILL)
    assert host.line() == {"exited": "broker", "code": -9}
    assert ask(host.http)["name"] == "frontend"
    assert host.stop() == 0


def test_a_caller_of_a_dead_service_waits_in_its_backlog(start: Start) -> None:
    host = start()
    os.kill(host.line()["pids"]["broker"], signal.SIGKILL)
    host.line()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.connect(str(host.control))


def test_no_ready_line_before_all_are_ready(start: Start) -> None:
    host = start(broker="mute")
    assert ask(host.http)["name"] == "frontend"
    assert ask(host.control)["name"] == "broker"
    assert host.stop() == 0
    assert host.process.stdout is not None
    assert host.process.stdout.read() == b""


def test_no_ready_line_before_pki_is_ready(start: Start, layout: Layout) -> None:
    host = start(pki="mute")
    assert ask(layout.control_socket(Process.PKI))["name"] == "pki"
    assert host.stop() == 0
    assert host.process.stdout is not None
    assert host.process.stdout.read() == b""


def test_a_stranger_cannot_say_ready(start: Start, layout: Layout) -> None:
    host = start(broker="mute")
    ask(host.control)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.connect(str(layout.root / "run/dev-notify.sock"))
        stranger.sendall(b"READY=1")
    assert host.stop() == 0
    assert host.process.stdout is not None
    assert host.process.stdout.read() == b""


def test_services_end_with_a_host_that_is_killed(start: Start) -> None:
    host = start()
    pids = host.line()["pids"]
    host.process.kill()
    host.process.wait(DEADLINE)
    wait_for(lambda: not any(is_alive(pid) for pid in pids.values()), "the services' end")


def test_a_host_starts_where_one_was_killed(start: Start) -> None:
    killed = start()
    killed.line()
    killed.process.kill()
    killed.process.wait(DEADLINE)
    assert start().line()["ready"]


def test_a_second_host_on_the_same_root_is_refused(start: Start) -> None:
    first = start()
    first.line()
    second = start()
    assert second.process.wait(DEADLINE) == 1
    assert "another psictl dev runs below" in second.errors()
    assert ask(first.http)["name"] == "frontend"


def test_a_reader_that_went_away_ends_nothing(start: Start) -> None:
    host = start()
    pids = host.line()["pids"]
    assert host.process.stdout is not None
    host.process.stdout.close()
    os.kill(pids["broker"], signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{pids['broker']}").exists(), "the broker to be reaped")
    assert ask(host.http)["name"] == "frontend"
    assert host.stop() == 0
