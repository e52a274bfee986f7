"""What a workload should have: hostile keys, doubles, and values that cannot be handed over."""

from pathlib import Path
from typing import Any

import pytest

from psi.broker.cache import MemoryCache
from psi.broker.discovery import Discovery
from psi.broker.infisical.clock import SystemClock
from psi.broker.infisical.listing import Entry, Listing
from psi.broker.infisical.outcome import Kind
from psi.broker.mapping import Coordinate
from psi.broker.policy import Policy
from psi.broker.values import Values
from psi.shared.errors import Refusal
from psi.shared.limits import MAX_ENV_PAIR_BYTES, Limits
from psi.shared.messages.broker import BrokerError, Discovered, Finding
from psi.shared.projection import KeyOptions, Source, WorkloadConfig
from tests.unit.broker.chain import projection, workload
from tests.unit.broker.no_sealed import no_sealed_secrets
from tests.unit.broker.upstream import FakeUpstream, entry, failure
from tests.unit.broker.waiting import run


def source(path: str, *, recursive: bool = False) -> Source:
    return Source(project="myproject", path=path, recursive=recursive)


class Scene:
    """A discovery over a fake Infisical."""

    def __init__(self, config: WorkloadConfig) -> None:
        given = projection("http://x", Path("/"), workloads={"w": config})
        self.upstream = FakeUpstream()
        self.config = config
        self.values = Values(
            given.infisical.projects,
            Policy(given),
            MemoryCache(SystemClock()),
            self.upstream,
            no_sealed_secrets(),
            Limits(),
        )
        self.discovery = Discovery(
            given.workloads, given.infisical.projects, self.upstream, self.values
        )

    def found(self, **listings: list[Entry]) -> tuple[list[Discovered], list[Finding]]:
        """Discover; folders are given by their name."""
        for name, entries in listings.items():
            self.upstream.listings[f"/{name}"] = Listing(tuple(entries))
        items = run(self.discovery.discover(self.config))
        return (
            [item for item in items if isinstance(item, Discovered)],
            [item for item in items if isinstance(item, Finding)],
        )


def plain(**fields: Any) -> Scene:
    return Scene(workload(source("/myapp"), **fields))


def test_secrets_are_found_with_their_coordinates_and_no_values() -> None:
    secrets, findings = plain().found(myapp=[entry("A"), entry("B")])
    assert [(s.key, s.project, s.path) for s in secrets] == [
        ("A", "myproject", "/myapp"), ("B", "myproject", "/myapp"),
    ]  # fmt: skip  # two rows
    assert findings == []


HOSTILE = {
    "a directive": "X\nPodmanArgs=--privileged\nVolume=/:/host",
    "a section": "Y\n[Service]\nExecStartPre=/bin/sh",
    "options": "X,type=mount,target=/etc/ld.so.preload",
    "a continuation": "END\\",
    "a quote": 'X"Y',
    "a specifier": "X%iY",
    "a blank": "X Y",
    "a newline at the end": "X\n",
    "a dash": "MY-KEY",
    "a dot": "my.key",
    "a digit first": "1KEY",
    "a letter above ASCII": "SCHLÜSSEL",
    "an escape sequence": "\x1b[31mX",
    "right to left": "\u202eX",
    "129 characters": "K" * 129,
    "equals": "A=B",
    "nothing": "",
}


@pytest.mark.parametrize("key", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_key_is_reported_and_does_not_stop_the_others(key: str) -> None:
    secrets, findings = plain().found(myapp=[entry(key), entry("GOOD")])
    assert [secret.key for secret in secrets] == ["GOOD"]
    (finding,) = findings
    assert finding.kind == "refused"
    assert "it is no environment variable name; rename it in Infisical" in finding.detail
    assert finding.detail.isascii()
    assert finding.detail.isprintable()
    assert not set(finding.subject) & set("\n\x1b\u202e")


def test_a_key_of_128_characters_is_registered() -> None:
    secrets, findings = plain().found(myapp=[entry("K" * 128), entry("_under_Score9")])
    assert (len(secrets), findings) == (2, [])


def test_a_mounted_key_must_have_the_form_too() -> None:
    secrets, findings = plain(type="mount").found(myapp=[entry("X\nVolume=/:/host")])
    assert (secrets, len(findings)) == ([], 1)


def test_a_value_with_a_nul_is_not_for_the_environment() -> None:
    secrets, findings = plain().found(myapp=[entry("A", b"a\0b")])
    assert secrets == []
    assert "it holds a NUL" in findings[0].detail
    assert "set type: mount" in findings[0].detail


def test_a_value_with_a_nul_may_be_mounted() -> None:
    keys = {"A": KeyOptions(type="mount", target="/run/a")}
    secrets, findings = plain(keys=keys).found(myapp=[entry("A", b"a\0b")])
    assert (secrets[0].options, findings) == (keys["A"], [])


@pytest.mark.parametrize("kind", ["env", "mount"])
def test_key_and_value_of_131070_bytes_are_registered(kind: str) -> None:
    value = b"x" * (MAX_ENV_PAIR_BYTES - 1)
    secrets, findings = plain(type=kind).found(myapp=[entry("A", value)])
    assert (len(secrets), findings) == (1, [])


def test_a_byte_more_is_not_for_the_environment() -> None:
    secrets, findings = plain().found(myapp=[entry("A", b"x" * MAX_ENV_PAIR_BYTES)])
    assert secrets == []
    assert "over 131070 bytes; set type: mount" in findings[0].detail


def test_a_byte_more_may_be_mounted() -> None:
    mounted = plain(type="mount")
    secrets, findings = mounted.found(myapp=[entry("A", b"x" * MAX_ENV_PAIR_BYTES)])
    assert (len(secrets), findings) == (1, [])


def test_a_secret_without_a_value_is_reported_with_its_cause() -> None:
    masked = entry("A", None, problem="its value is masked; give the identity the right")
    secrets, findings = plain().found(myapp=[masked, entry("B")])
    assert [secret.key for secret in secrets] == ["B"]
    assert (findings[0].kind, findings[0].subject) == ("refused", "A")
    assert "its value is masked" in findings[0].detail


def test_of_two_sources_the_later_wins_with_a_notice() -> None:
    stage = Scene(workload(source("/one"), source("/two")))
    secrets, findings = stage.found(
        one=[entry("A", path="/one"), entry("B", path="/one")], two=[entry("A", path="/two")]
    )
    assert {secret.key: secret.path for secret in secrets} == {"A": "/two", "B": "/one"}
    (notice,) = findings
    assert (notice.kind, notice.subject) == ("notice", "A")
    assert notice.detail == "myproject:/two wins over myproject:/one: the later source does"


def test_two_paths_in_one_recursive_source_are_an_error_and_register_neither() -> None:
    stage = Scene(workload(source("/t", recursive=True)))
    secrets, findings = stage.found(
        t=[entry("A", path="/t/x"), entry("A", path="/t/y"), entry("B", path="/t/y")]
    )
    assert [secret.key for secret in secrets] == ["B"]
    (finding,) = findings
    assert (finding.kind, finding.subject) == ("refused", "A")
    assert "in /t/y: it is also at /t/x" in finding.detail


def test_three_paths_in_one_recursive_source_register_none() -> None:
    stage = Scene(workload(source("/t", recursive=True)))
    secrets, findings = stage.found(t=[entry("A", path=f"/t/{name}") for name in "xyz"])
    assert secrets == []
    assert [finding.kind for finding in findings] == ["refused", "refused"]


def test_options_of_a_key_go_before_those_of_the_workload() -> None:
    keys = {"A": KeyOptions(type="mount", target="/a", uid=1, gid=2, mode="0400")}
    secrets, _ = plain(keys=keys).found(myapp=[entry("A"), entry("B")])
    assert [secret.options for secret in secrets] == [keys["A"], KeyOptions(type="env")]


def test_the_values_that_came_along_are_kept_here() -> None:
    stage = plain()
    stage.found(myapp=[entry("A", b"kept")])
    kept = stage.values.cached(Coordinate("myproject", "/myapp", "A"))
    assert kept is not None
    assert kept.reveal() == b"kept"


@pytest.mark.parametrize("kind", Kind)
def test_a_source_that_cannot_be_listed_refuses_the_whole_workload(kind: Kind) -> None:
    stage = Scene(workload(source("/one"), source("/two")))
    stage.upstream.list_error = failure(kind, "what it said")
    with pytest.raises(Refusal) as refused:
        stage.found()
    assert refused.value.detail == "myproject:/one: what it said"


def test_recursive_sources_are_listed_recursively_and_others_not() -> None:
    stage = Scene(workload(source("/one"), source("/two", recursive=True)))
    stage.found()
    assert stage.upstream.calls == ["list myproject:/one", "list myproject:/two recursive"]


def test_an_unknown_workload_is_refused() -> None:
    with pytest.raises(Refusal, match="there is no workload nope") as refused:
        plain().discovery.workload("nope")
    assert refused.value.code == BrokerError.UNKNOWN_NAME


def test_a_known_workload_is_returned() -> None:
    stage = plain()
    assert stage.discovery.workload("w") is not None
    assert stage.discovery.names == ("w",)
