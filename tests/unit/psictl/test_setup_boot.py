"""Setup at boot: what is complete is left alone, unasked; the rest goes the normal way."""

from collections.abc import Callable
from typing import Any

import pytest

from psi.shared.errors import ProtocolError
from psi.shared.messages import broker as b
from psi.shared.messages import broker_cache as k
from psi.shared.messages.base import Refused, Reply
from psictl.client import BrokerClient
from psictl.podman.errors import PodmanUnreachable
from psictl.refusal import UnknownName
from psictl.setup import boot, boot_check
from psictl.setup.podman_run import SetupReport
from psictl.setup.report import Outcome
from tests.fakes.broker.host import Host
from tests.fakes.broker.memory_podman import MemoryPodman, coordinate
from tests.fakes.broker.setup_run import commands, dropin, outcomes, run
from tests.fakes.broker.world import discovered

AWAY = Refused(code="unreachable", detail="Infisical does not answer")


class Booted:
    """A host whose workload was set up before, and then booted."""

    def __init__(self, host: Host, client: BrokerClient, podman: MemoryPodman) -> None:
        self.host, self.client, self.podman = host, client, podman
        self.add("myapp", "A", "B", "C")

    def add(self, workload: str, *keys: str) -> None:
        self.host.world.add(workload, *(discovered(key) for key in keys))
        assert run(self.host, self.client, self.podman, workload).exit_code == 0
        self.host.world.mappings |= {
            secret.id: coordinate(secret.name.rpartition("--")[2])
            for secret in self.podman.secrets()
        }

    def boot(self, *named: str) -> SetupReport:
        self.host.broker.requests.clear()
        self.podman.changes.clear()
        return boot.set_up_at_boot(
            self.client, self.podman, self.host.layout, named, lambda _: None
        )

    def asked(self) -> list[str]:
        """Return the workloads about which Infisical was asked."""
        return [r.workload for r in self.host.broker.requests if isinstance(r, b.Discover)]

    def take_infisical_away(self) -> None:
        self.host.broker.answers[b.Discover] = lambda _: AWAY

    def id_of(self, name: str) -> str:
        return self.podman.by_name[name].id

    def edit(self, old: str, new: str) -> None:
        path = self.host.layout.quadlets / "myapp.container.d" / "50-secrets.conf"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture
def booted(host: Host, client: BrokerClient) -> Booted:
    return Booted(host, client, MemoryPodman())


def test_what_is_registered_and_kept_is_left_alone_and_nobody_asked(booted: Booted) -> None:
    report = booted.boot()
    assert report.exit_code == 0
    assert booted.asked() == []
    assert booted.podman.changes == []
    assert outcomes(report) == dict.fromkeys(["myapp--A", "myapp--B", "myapp--C"], Outcome.KEPT)
    assert report.workloads[0].messages() == []


def _forget(booted: Booted) -> None:
    del booted.host.world.mappings[booted.id_of("myapp--B")]


def _other_key(booted: Booted) -> None:
    booted.host.world.mappings[booted.id_of("myapp--B")] = coordinate("OTHER")


def _other_driver(booted: Booted) -> None:
    booted.podman.hold("myapp--B", "file", booted.id_of("myapp--B"), commands(booted.host))


def _other_command(booted: Booted) -> None:
    options = {**commands(booted.host), "lookup": "curl forerunner"}
    booted.podman.hold("myapp--B", "shell", booted.id_of("myapp--B"), options)


def _no_dropin(booted: Booted) -> None:
    (booted.host.layout.quadlets / "myapp.container.d" / "50-secrets.conf").unlink()


def _other_configuration(booted: Booted) -> None:
    booted.host.world.workloads["myapp"].revision = "1" * 32


def _other_unit(booted: Booted) -> None:
    booted.host.world.workloads["myapp"].unit = "moved.container"


LACKS: dict[str, tuple[Callable[[Booted], object], str]] = {
    "no drop-in": (_no_dropin, "50-secrets.conf is not there"),
    "another configuration": (_other_configuration, "was made for another configuration"),
    "another unit": (_other_unit, r"moved.container.d/50-secrets.conf is not there"),
    "a drop-in without its configuration": (
        lambda booted: booted.edit("# Configuration: ", "# Formerly: "),
        "was made for another configuration",
    ),
    "a secret that Podman lacks": (
        lambda booted: booted.podman.by_name.pop("myapp--B"), "myapp--B is not registered",
    ),
    "a secret that the broker does not know": (_forget, "myapp--B is not registered"),
    "a secret for another key": (_other_key, "myapp--B is not registered"),
    "a secret of another driver": (_other_driver, "myapp--B is not registered"),
    "a secret with another command": (_other_command, "myapp--B is not registered"),
    "a value that is not kept": (
        lambda booted: booted.host.world.not_held.add(booted.id_of("myapp--B")),
        "the value of myapp--B is not kept",
    ),
    "a line of somebody else's": (
        lambda booted: booted.edit("[Container]\n", "[Container]\nImage=x\n"),
        "is no line that psictl writes",
    ),
    "another workload's secret": (
        lambda booted: booted.edit("Secret=myapp--A,", "Secret=other--A,"),
        "is no line that psictl writes",
    ),
}  # fmt: skip  # one row, one lack


@pytest.mark.parametrize("lack", LACKS)
def test_what_is_not_complete_is_asked_about(booted: Booted, lack: str) -> None:
    booted.add("other", "A")
    change, told = LACKS[lack]
    change(booted)
    report = booted.boot()
    assert booted.asked()[0] == "myapp"
    assert set(booted.asked()) == {"myapp"}
    messages = " ".join(text for each in report.workloads for text in each.messages())
    assert told in messages


def test_what_was_asked_about_is_complete_at_the_next_boot(booted: Booted) -> None:
    booted.host.world.workloads["myapp"].revision = "1" * 32
    assert booted.boot().workloads[0].dropins == ["50-secrets.conf"]
    assert f"# Configuration: {'1' * 32}\n" in dropin(booted.host, "myapp")
    booted.boot()
    assert booted.asked() == []


def test_a_link_in_the_dropins_place_is_not_followed(booted: Booted) -> None:
    path = booted.host.layout.quadlets / "myapp.container.d" / "50-secrets.conf"
    path.rename(path.with_name("real"))
    path.symlink_to("real")
    booted.boot()
    assert set(booted.asked()) == {"myapp"}


def test_without_a_cache_registered_is_enough(booted: Booted) -> None:
    booted.host.world.keeping.cache = {"backend": "none", "state": "off"}
    booted.host.world.not_held = set(booted.host.world.mappings)
    assert booted.boot().exit_code == 0
    assert booted.asked() == []


def test_a_workload_without_secrets_is_complete_too(booted: Booted) -> None:
    booted.add("bare")
    assert booted.boot().exit_code == 0
    assert booted.asked() == []


def test_it_waits_until_the_cache_is_loaded(
    booted: Booted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boot_check, "POLL_SECONDS", 0.001)
    states = ["loading", "loading", "loaded"]
    held = booted.host.world.not_held
    held.update(booted.host.world.mappings)

    def answer(request: k.CacheStatus) -> Reply:
        booted.host.world.keeping.cache = {"state": states.pop(0)}
        if not states:
            held.clear()
        return booted.host.world.answer(request)

    booted.host.broker.answers[k.CacheStatus] = answer
    assert booted.boot().exit_code == 0
    assert (booted.asked(), states) == ([], [])


@pytest.mark.parametrize("state", ["loading", "unreadable"])
def test_a_cache_that_does_not_load_is_not_awaited_for_ever(
    booted: Booted, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setattr(boot_check, "LOAD_SECONDS", 0.01)
    monkeypatch.setattr(boot_check, "POLL_SECONDS", 0.001)
    booted.host.world.keeping.cache = {"state": state}
    booted.host.world.not_held.add(booted.id_of("myapp--A"))
    assert booted.boot().exit_code == 0
    assert set(booted.asked()) == {"myapp"}


def test_below_podman_5_the_registered_names_are_enough(host: Host, client: BrokerClient) -> None:
    booted = Booted(host, client, MemoryPodman(4, 3, 1))
    assert not host.layout.quadlets.exists()
    assert outcomes(booted.boot()).keys() == {"myapp--A", "myapp--B", "myapp--C"}
    assert booted.asked() == []
    booted.podman.by_name.clear()
    booted.boot()
    assert set(booted.asked()) == {"myapp"}


def test_in_an_outage_what_is_registered_is_no_failure(booted: Booted) -> None:
    booted.host.world.not_held.add(booted.id_of("myapp--A"))
    booted.take_infisical_away()
    report = booted.boot()
    assert report.exit_code == 0
    (text,) = [text for text in report.workloads[0].messages() if "does not answer" in text]
    assert "left with what is registered, 3 secrets" in text
    assert "Secret=myapp--A," in dropin(booted.host, "myapp")


def test_in_an_outage_what_never_was_registered_is_temporary(booted: Booted) -> None:
    booted.host.world.add("fresh", discovered("A"))
    booted.take_infisical_away()
    report = booted.boot()
    assert report.exit_code == 5
    assert {each.workload: each.exit_code for each in report.workloads} == {"myapp": 0, "fresh": 5}
    assert booted.asked() == ["fresh"]


def test_what_lost_its_dropin_cannot_start_with_its_secrets_in_an_outage(booted: Booted) -> None:
    _no_dropin(booted)
    booted.take_infisical_away()
    assert booted.boot().exit_code == 5


@pytest.mark.parametrize(("code", "exit_code"), [("limited", 0), ("refused", 1), ("absent", 1)])
def test_only_what_is_temporary_is_forgiven(booted: Booted, code: str, exit_code: int) -> None:
    booted.host.world.not_held.add(booted.id_of("myapp--A"))
    booted.host.broker.answers[b.Discover] = lambda _: Refused(code=code, detail="no")
    assert booted.boot().exit_code == exit_code


def test_those_that_have_nothing_come_first_and_the_rest_not_for_ever(
    booted: Booted, monkeypatch: pytest.MonkeyPatch
) -> None:
    booted.host.world.not_held.add(booted.id_of("myapp--A"))
    booted.host.world.add("fresh", discovered("A"))
    assert (booted.boot().exit_code, booted.asked()[0]) == (0, "fresh")
    booted.podman.by_name.pop("fresh--A")
    monkeypatch.setattr(boot, "TRY_SECONDS", -1.0)
    report = booted.boot()
    assert booted.asked() == []
    assert {each.workload: each.exit_code for each in report.workloads} == {"myapp": 0, "fresh": 5}
    assert "not asked about within" in " ".join(report.workloads[0].messages())


def test_podman_that_does_not_answer_is_unreachable(booted: Booted) -> None:
    def gone() -> None:
        raise PodmanUnreachable("podman does not answer")

    booted.podman.on_call = gone
    with pytest.raises(PodmanUnreachable):
        booted.boot()
    assert booted.asked() == []


def test_no_request_is_open_while_podman_is_asked(booted: Booted) -> None:
    open_requests: list[int] = []
    booted.podman.on_call = lambda: open_requests.append(booted.host.broker.busy)
    booted.boot()
    assert open_requests == [0]


def test_an_unknown_workload_that_is_named_is_refused(booted: Booted) -> None:
    with pytest.raises(UnknownName, match="no workload nobody"):
        booted.boot("nobody")


HOSTILE: dict[str, dict[str, Any]] = {
    "a revision with a line": {"unit": "myapp.container", "revision": "0" * 31 + "\n"},
    "a short revision": {"unit": "myapp.container", "revision": "0"},
    "a unit outside": {"unit": "../x.container", "revision": "0" * 32},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_description_is_a_protocol_error(booted: Booted, case: str) -> None:
    booted.host.broker.answers[k.DescribeWorkload] = lambda _: k.DescribeWorkloadReply(
        **HOSTILE[case]
    )
    with pytest.raises(ProtocolError, match="not valid"):
        booted.boot()
