"""One workload's secrets and drop-ins: what is created, kept, left alone, and reported."""

from pathlib import Path

import pytest

from psictl.client import BrokerClient
from psictl.podman.errors import PodmanError
from psictl.setup.report import Outcome
from tests.fakes.broker.host import Host
from tests.fakes.broker.memory_podman import MemoryPodman, coordinate
from tests.fakes.broker.setup_run import ID, commands, dropin, outcomes, run
from tests.fakes.broker.world import discovered


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


def test_a_dropin_of_somebody_else_is_left_alone(host: Host, client: BrokerClient) -> None:
    folder = host.layout.quadlets / "myapp.container.d"
    folder.mkdir(parents=True)
    (folder / "50-secrets.conf").write_text("[Container]\nImage=mine\n")
    host.world.add("myapp", discovered("A"))
    report = run(host, client, MemoryPodman())
    assert "was not written by psictl" in report.workloads[0].error
    assert dropin(host, "myapp") == "[Container]\nImage=mine\n"
    assert report.exit_code == 2
