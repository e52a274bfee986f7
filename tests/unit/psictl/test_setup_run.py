"""A whole run of setup: several workloads, what stops it and what does not, exit codes."""

import pytest

from psi.shared.errors import Unreachable
from psi.shared.messages import broker as b
from psi.shared.messages.base import Refused
from psictl.client import BrokerClient
from psictl.podman.errors import PodmanUnreachable
from psictl.setup.report import Outcome, worst_exit
from tests.fakes.broker.host import Host
from tests.fakes.broker.memory_podman import MemoryPodman, coordinate
from tests.fakes.broker.setup_run import ID, commands, outcomes, run
from tests.fakes.broker.world import discovered, finding


@pytest.mark.parametrize(("kind", "code"), [("refused", 3), ("notice", 0)])
def test_what_the_broker_found_sets_the_exit_code(
    host: Host, client: BrokerClient, kind: str, code: int
) -> None:
    found = finding(kind, "BIG", "over 131070 bytes; mount it")
    host.world.add("myapp", discovered("A"), findings=[found])
    report = run(host, client, MemoryPodman())
    assert report.exit_code == code
    assert any("mount it" in message for message in report.workloads[0].messages())


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


def test_below_podman_5_secrets_are_registered_and_the_lines_are_told(
    host: Host, client: BrokerClient
) -> None:
    host.world.add("myapp", discovered("A"))
    podman = MemoryPodman(4, 3, 1)
    report = run(host, client, podman)
    assert list(podman.by_name) == ["myapp--A"]
    assert not host.layout.quadlets.exists()
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


@pytest.mark.parametrize(
    ("codes", "worst"),
    [([], 0), ([0, 3], 3), ([3, 1], 1), ([1, 5, 3], 5), ([5, 4, 2], 4), ([2, 1], 2)],
)
def test_the_worst_exit_code_wins(codes: list[int], worst: int) -> None:
    assert worst_exit(codes) == worst
