"""Setup against a Podman in memory: what is created, kept, left alone, and reported."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from psi.shared.errors import Unreachable
from psi.shared.messages import broker as b
from psi.shared.messages.base import Refused
from psictl.client import BrokerClient
from psictl.driver import driver_commands
from psictl.podman.errors import PodmanError, PodmanUnreachable
from psictl.setup.podman_run import SetupReport, set_up
from psictl.setup.report import Outcome, worst_exit
from tests.fakes.broker.host import Host
from tests.fakes.broker.memory_podman import MemoryPodman, coordinate
from tests.fakes.broker.world import discovered, finding

ID = "a" * 25


@pytest.fixture
def client(host: Host) -> Iterator[BrokerClient]:
    with BrokerClient(host.layout) as entered:
        yield entered


def run(host: Host, client: BrokerClient, podman: MemoryPodman, *named: str) -> SetupReport:
    return set_up(client, podman, host.layout, named, lambda _: None)


def commands(host: Host, *, with_reason: bool = True) -> Mapping[str, str]:
    return driver_commands(str(host.layout.http_socket), with_reason=with_reason)


def dropin(host: Host, unit: str, name: str = "50-secrets.conf") -> str:
    return (host.layout.quadlets / f"{unit}.container.d" / name).read_text()


def outcomes(report: SetupReport) -> dict[str, Outcome]:
    return {result.name: result.outcome for each in report.workloads for result in each.results}


def test_new_secrets_are_created_with_mapping_and_commands(
    host: Host, client: BrokerClient
) -> None:
    host.world.add("myapp", discovered("DB_HOST"), depends_on=["db.service"])
    podman = MemoryPodman()
    report = run(host, client, podman)
    assert outcomes(report) == {"myapp--DB_HOST": Outcome.CREATED}
    assert podman.payloads["myapp--DB_HOST"] == (
        b'{"provider":"infisical","project":"main","path":"/app","key":"DB_HOST"}'
    )
    assert podman.by_name["myapp--DB_HOST"].options == commands(host)
    assert "Secret=myapp--DB_HOST,type=env,target=DB_HOST\n" in dropin(host, "myapp")
    assert "After=db.service\nWants=db.service\n" in dropin(host, "myapp", "40-psi-order.conf")
    assert report.exit_code == 0


def test_a_template_gets_its_names_and_its_folder(host: Host, client: BrokerClient) -> None:
    host.world.add("worker@", discovered("KEY"))
    podman = MemoryPodman()
    assert run(host, client, podman).exit_code == 0
    assert list(podman.by_name) == ["worker@--KEY"]
    assert "Secret=worker@--KEY," in dropin(host, "worker@")


def test_options_of_a_mount_reach_the_line(host: Host, client: BrokerClient) -> None:
    host.world.add("myapp", discovered("tls.key", type="mount", target="/run/k", mode="0440"))
    run(host, client, MemoryPodman())
    assert "Secret=myapp--tls.key,type=mount,target=/run/k,mode=0440\n" in dropin(host, "myapp")


@pytest.mark.parametrize("with_reason", [True, False])
def test_a_secret_that_is_right_is_kept(
    host: Host, client: BrokerClient, *, with_reason: bool
) -> None:
    host.world.add("myapp", discovered("KEY"))
    host.world.mappings[ID] = coordinate("KEY")
    podman = MemoryPodman()
    podman.hold("myapp--KEY", "shell", ID, commands(host, with_reason=with_reason))
    assert outcomes(run(host, client, podman)) == {"myapp--KEY": Outcome.KEPT}
    assert podman.changes == []


def test_a_secret_of_another_coordinate_is_replaced(host: Host, client: BrokerClient) -> None:
    host.world.add("myapp", discovered("KEY"))
    host.world.mappings[ID] = coordinate("KEY", "/elsewhere")
    podman = MemoryPodman()
    podman.hold("myapp--KEY", "shell", ID, commands(host))
    assert outcomes(run(host, client, podman)) == {"myapp--KEY": Outcome.REPLACED}
    assert podman.changes == ["remove myapp--KEY", "create myapp--KEY"]


def test_a_secret_with_other_commands_is_replaced(host: Host, client: BrokerClient) -> None:
    host.world.add("myapp", discovered("KEY"))
    host.world.mappings[ID] = coordinate("KEY")
    podman = MemoryPodman()
    podman.hold("myapp--KEY", "shell", ID, {**commands(host), "lookup": "curl forerunner"})
    assert outcomes(run(host, client, podman)) == {"myapp--KEY": Outcome.REPLACED}


@pytest.mark.parametrize(
    ("driver", "registered"), [("file", True), ("pass", False), ("shell", False)]
)
def test_a_name_that_another_secret_holds_is_left_alone(
    host: Host, client: BrokerClient, driver: str, *, registered: bool
) -> None:
    host.world.add("myapp", discovered("KEY"), discovered("OTHER"))
    if registered:
        host.world.mappings[ID] = coordinate("KEY")
    podman = MemoryPodman()
    podman.hold("myapp--KEY", driver, ID, {})
    report = run(host, client, podman)
    assert outcomes(report) == {"myapp--KEY": Outcome.FOREIGN, "myapp--OTHER": Outcome.CREATED}
    assert report.exit_code == 3
    assert podman.changes == ["create myapp--OTHER"]
    assert "myapp--KEY" not in dropin(host, "myapp")


def test_a_registered_secret_that_the_source_lost_is_drift(
    host: Host, client: BrokerClient
) -> None:
    host.world.add("myapp", discovered("KEY"))
    host.world.mappings[ID] = coordinate("GONE")
    host.world.mappings["b" * 25] = coordinate("KEY")
    podman = MemoryPodman()
    podman.hold("myapp--GONE", "shell", ID, commands(host))
    podman.hold("myapp--x--KEY", "shell", "b" * 25, commands(host))
    podman.hold("myapp--FOREIGN", "file", "c" * 25, {})
    report = run(host, client, podman)
    assert outcomes(report) == {"myapp--KEY": Outcome.CREATED, "myapp--GONE": Outcome.DRIFTED}
    assert report.exit_code == 3
    assert podman.changes == ["create myapp--KEY"]


def test_a_hostile_key_is_reported_and_the_others_are_registered(
    host: Host, client: BrokerClient
) -> None:
    hostile = "X\nPodmanArgs=--privileged"
    host.world.add("myapp", discovered("A"), discovered(hostile), discovered("B"))
    podman = MemoryPodman()
    report = run(host, client, podman)
    assert list(podman.by_name) == ["myapp--A", "myapp--B"]
    assert report.exit_code == 3
    assert dropin(host, "myapp").count("Secret=") == 2
    assert "Podman" not in dropin(host, "myapp")


@pytest.mark.parametrize("target", ["/etc/../x", "a,b", "/a\nb", "/a b"])
def test_a_hostile_mount_target_is_reported(host: Host, client: BrokerClient, target: str) -> None:
    host.world.add("myapp", discovered("A"), discovered("B", type="mount", target=target))
    podman = MemoryPodman()
    report = run(host, client, podman)
    assert list(podman.by_name) == ["myapp--A"]
    assert report.exit_code == 3


@pytest.mark.parametrize(("kind", "code"), [("refused", 3), ("notice", 0)])
def test_what_the_broker_found_sets_the_exit_code(
    host: Host, client: BrokerClient, kind: str, code: int
) -> None:
    found = finding(kind, "BIG", "over 131070 bytes; mount it")
    host.world.add("myapp", discovered("A"), findings=[found])
    report = run(host, client, MemoryPodman())
    assert report.exit_code == code
    assert any("mount it" in message for message in report.workloads[0].messages())


def test_a_failed_creation_does_not_stop_the_others_and_stays_named(
    host: Host, client: BrokerClient
) -> None:
    host.world.add("myapp", discovered("A"), discovered("B"))
    podman = MemoryPodman()
    podman.fail["myapp--A"] = PodmanError("the driver failed: psi: outside every workload")
    report = run(host, client, podman)
    assert outcomes(report) == {"myapp--A": Outcome.FAILED, "myapp--B": Outcome.CREATED}
    assert report.exit_code == 1
    assert "Secret=myapp--A," in dropin(host, "myapp")


def test_podman_that_goes_away_ends_the_run(host: Host, client: BrokerClient) -> None:
    host.world.add("first", discovered("A"))
    host.world.add("second", discovered("B"))
    podman = MemoryPodman()
    podman.fail["first--A"] = PodmanUnreachable("podman does not answer")
    report = run(host, client, podman)
    assert [each.workload for each in report.workloads] == ["first"]
    assert report.exit_code == 4


def test_podman_that_is_not_there_is_unreachable(host: Host, client: BrokerClient) -> None:
    host.world.add("myapp", discovered("A"))
    podman = MemoryPodman()

    def gone() -> None:
        raise PodmanUnreachable("podman does not answer")

    podman.on_call = gone
    with pytest.raises(Unreachable):
        run(host, client, podman)


@pytest.mark.parametrize(
    ("code", "exit_code"), [("unreachable", 5), ("refused", 1), ("unknown-name", 2)]
)
def test_one_workload_that_fails_does_not_stop_the_others(
    host: Host, client: BrokerClient, code: str, exit_code: int
) -> None:
    host.world.add("bad")
    host.world.add("good", discovered("KEY"))
    host.broker.answers[b.Discover] = lambda request: (
        Refused(code=code, detail="no") if request.workload == "bad" else host.world.answer(request)
    )
    report = run(host, client, MemoryPodman())
    assert outcomes(report) == {"good--KEY": Outcome.CREATED}
    assert report.exit_code == exit_code
    assert not (host.layout.quadlets / "bad.container.d").exists()


def test_only_named_workloads_are_touched(host: Host, client: BrokerClient) -> None:
    host.world.add("one", discovered("A"))
    host.world.add("two", discovered("B"))
    podman = MemoryPodman()
    run(host, client, podman, "two", "two")
    assert list(podman.by_name) == ["two--B"]


def test_the_second_run_changes_nothing(host: Host, client: BrokerClient) -> None:
    host.world.add("myapp", discovered("A"), depends_on=["db.service"])
    podman = MemoryPodman()
    run(host, client, podman)
    host.world.mappings = {
        secret.id: coordinate(secret.name.partition("--")[2]) for secret in podman.secrets()
    }
    files = {path: path.stat().st_mtime_ns for path in _files(host)}
    report = run(host, client, podman)
    assert outcomes(report) == {"myapp--A": Outcome.KEPT}
    assert report.workloads[0].dropins == []
    assert report.systemd == "systemd was not reloaded: no drop-in changed"
    assert {path: path.stat().st_mtime_ns for path in _files(host)} == files


def _files(host: Host) -> list[Path]:
    return [path for path in host.layout.quadlets.rglob("*") if path.is_file()]


def test_below_podman_5_secrets_are_registered_and_the_lines_are_told(
    host: Host, client: BrokerClient
) -> None:
    host.world.add("myapp", discovered("A"))
    podman = MemoryPodman(4, 3, 1)
    report = run(host, client, podman)
    assert list(podman.by_name) == ["myapp--A"]
    assert _files(host) == []
    (note,) = report.workloads[0].notes
    assert "4.3.1" in note
    assert "5.0" in note
    assert "\n  Secret=myapp--A,type=env,target=A" in note


def test_below_podman_5_a_template_is_refused_with_the_version_needed(
    host: Host, client: BrokerClient
) -> None:
    host.world.add("worker@", discovered("A"))
    host.world.add("myapp", discovered("B"))
    podman = MemoryPodman(4, 9, 4)
    report = run(host, client, podman)
    assert list(podman.by_name) == ["myapp--B"]
    assert "5.0" in report.workloads[0].error
    assert report.exit_code == 2


def test_no_request_is_open_while_podman_works(host: Host, client: BrokerClient) -> None:
    host.world.add("one", discovered("A"), discovered("B"))
    host.world.add("two", discovered("C"))
    host.world.mappings[ID] = coordinate("A", "/old")
    podman = MemoryPodman()
    podman.hold("one--A", "shell", ID, commands(host))
    open_requests: list[int] = []
    podman.on_call = lambda: open_requests.append(host.broker.busy)
    run(host, client, podman)
    assert open_requests == [0] * 5


def test_a_dropin_of_somebody_else_is_left_alone(host: Host, client: BrokerClient) -> None:
    folder = host.layout.quadlets / "myapp.container.d"
    folder.mkdir(parents=True)
    (folder / "50-secrets.conf").write_text("[Container]\nImage=mine\n")
    host.world.add("myapp", discovered("A"))
    report = run(host, client, MemoryPodman())
    assert "was not written by psictl" in report.workloads[0].error
    assert dropin(host, "myapp") == "[Container]\nImage=mine\n"
    assert report.exit_code == 2


@pytest.mark.parametrize(
    ("codes", "worst"),
    [([], 0), ([0, 3], 3), ([3, 1], 1), ([1, 5, 3], 5), ([5, 4, 2], 4), ([2, 1], 2)],
)
def test_the_worst_exit_code_wins(codes: list[int], worst: int) -> None:
    assert worst_exit(codes) == worst
