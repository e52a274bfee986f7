"""``psictl cache status|refresh|invalidate``: what is shown, what is asked, and the exit codes."""

from typing import Any

import pytest

from psi.shared.messages import broker_cache as k
from psi.shared.messages.base import Refused
from psi.shared.projection import Coordinate
from tests.fakes.broker.host import Host
from tests.fakes.broker.world import discovered, finding

ID = "3fa9c01b2d4e5f60718293a4b"


def asked(host: Host, kind: type[Any]) -> list[Any]:
    return [request for request in host.broker.requests if isinstance(request, kind)]


def test_a_cache_that_is_well_is_exit_0(host: Host) -> None:
    host.world.keeping.cache = {
        "backend": "tpm", "file_bytes": 4096, "written_at": 1.7e9, "generation": 7,
        "sealer": "open",
    }  # fmt: skip  # one reply
    done = host.command("cache", "status")
    assert (done.code, done.err) == (0, "")
    shown = done.out.decode()
    assert "tpm, loaded, 40 values" in shown
    assert "4096 bytes, generation 7, written 2023-11-14 22:13:20 UTC" in shown
    assert "sealer:     open" in shown
    assert "verified" not in shown
    assert [request.verify for request in asked(host, k.CacheStatus)] == [False]


def test_the_object_of_status_has_every_field(host: Host) -> None:
    shown = host.command("cache", "status", "--json").json()
    assert (shown["schema"], shown["exit"], shown["problems"]) == (1, 0, [])
    assert (shown["backend"], shown["entries"], shown["writes"]) == ("memory", 40, 3)
    assert "verified" not in shown
    assert not {"id", "type"} & set(shown)


def test_verify_asks_for_it_and_shows_the_count(host: Host) -> None:
    done = host.command("cache", "status", "--verify")
    assert done.code == 0
    assert "39 values were read from the file" in done.out.decode()
    assert host.command("cache", "status", "--verify", "--json").json()["verified"] == 39
    assert [request.verify for request in asked(host, k.CacheStatus)] == [True, True]


@pytest.mark.parametrize(
    ("cache", "problem"),
    [
        (
            {"state": "unreadable", "detail": "the boot state changed; psictl cache reseal"},
            "cannot be read, and is kept: the boot state changed",
        ),
        ({"state": "unreadable"}, "see the broker log"),
        ({"detail": "cache.enc: No space left on device"}, "the cache: cache.enc: No space left"),
        ({"unreadable": ["cache.enc.unreadable-2", "cache.enc.unreadable-1"]}, "2 caches were set"),
        ({"stale": 3}, "3 values are past max_stale"),
    ],
)
def test_what_is_wrong_with_the_cache_is_exit_3(
    host: Host, cache: dict[str, Any], problem: str
) -> None:
    host.world.keeping.cache = cache
    done = host.command("cache", "status")
    assert done.code == 3
    assert problem in done.err
    assert problem in host.command("cache", "status", "--json").json()["problems"][0]


@pytest.mark.parametrize(
    ("sealer", "problem"),
    [
        ("degraded the device is locked out", "the sealer: degraded the device is locked out"),
        ("unprovisioned", "the sealer: unprovisioned: psictl cache init --recovery"),
        ("psi-sealer does not answer", "the sealer: psi-sealer does not answer"),
    ],
)
def test_a_key_that_is_not_at_hand_is_exit_3(host: Host, sealer: str, problem: str) -> None:
    host.world.keeping.cache = {"backend": "hsm", "sealer": sealer}
    done = host.command("cache", "status")
    assert done.code == 3
    assert problem in done.err


@pytest.mark.parametrize("sealer", ["open", "closed", "open NOT PROTECTED: for development"])
def test_a_key_that_is_at_hand_is_well(host: Host, sealer: str) -> None:
    host.world.keeping.cache = {"backend": "hsm", "sealer": sealer}
    assert host.command("cache", "status").code == 0


def test_a_sealer_that_does_not_answer_a_verification_is_told(host: Host) -> None:
    host.broker.answers[k.CacheStatus] = lambda _: Refused(code="sealer", detail="no device")
    done = host.command("cache", "status", "--verify")
    assert (done.code, done.out) == (1, b"")
    assert "no device" in done.err


def test_a_refresh_says_what_it_did(host: Host) -> None:
    done = host.command("cache", "refresh")
    assert (done.code, done.err) == (0, "")
    assert done.out == b"2 of 2 sources: 1 added, 2 changed, 3 unchanged\n"
    (request,) = asked(host, k.Refresh)
    assert not request.confirm


def test_every_page_of_findings_is_shown(host: Host) -> None:
    host.world.keeping.findings = [finding("notice", f"K{n}", "two sources") for n in range(5)]
    done = host.command("cache", "refresh", "--confirm", "--json")
    assert done.code == 0
    assert [each["subject"] for each in done.json()["findings"]] == ["K0", "K1", "K2", "K3", "K4"]
    assert done.json()["unchanged"] == 3
    assert all(request.confirm for request in asked(host, k.Refresh))


def test_what_a_refresh_refused_is_exit_3(host: Host) -> None:
    host.world.keeping.findings = [finding("refused", "/app", "more than half is gone; --confirm")]
    done = host.command("cache", "refresh")
    assert done.code == 3
    assert "/app: more than half is gone" in done.err


@pytest.mark.parametrize(("failed", "code"), [(1, 3), (2, 5)])
def test_sources_that_failed(host: Host, failed: int, code: int) -> None:
    host.world.keeping.refreshed["failed"] = failed
    done = host.command("cache", "refresh", "--json")
    assert (done.code, done.json()["exit"], done.json()["failed"]) == (code, code, failed)


def test_what_is_about_to_be_withdrawn_is_told(host: Host) -> None:
    host.world.keeping.refreshed["withdrawing"] = 4
    done = host.command("cache", "refresh")
    assert done.code == 0
    assert "4 values are gone from their source" in done.err


def test_a_broker_that_stops_is_exit_5(host: Host) -> None:
    host.broker.answers[k.Refresh] = lambda _: Refused(code="draining", detail="it is stopping")
    assert host.command("cache", "refresh").code == 5


def test_a_value_is_dropped_by_id(host: Host) -> None:
    done = host.command("cache", "invalidate", ID)
    assert (done.code, done.out) == (0, f"{ID}: 1 dropped\n".encode())
    (request,) = asked(host, k.Invalidate)
    assert (request.secret_id, request.project, request.everything) == (ID, None, False)


def test_a_value_is_dropped_by_coordinate(host: Host) -> None:
    done = host.command("cache", "invalidate", "main:/app/db#PASSWORD", "--json")
    assert done.json() == {"schema": 1, "invalidated": "main:/app/db#PASSWORD", "dropped": 1}
    (request,) = asked(host, k.Invalidate)
    assert (request.project, request.path, request.key) == ("main", "/app/db", "PASSWORD")
    assert request.secret_id is None


def test_a_value_is_dropped_by_podmans_name(host: Host) -> None:
    host.world.add("myapp", discovered("DB", path="/x"))
    host.world.mappings[ID] = Coordinate(project="other", path="/", key="DB")
    done = host.command("cache", "invalidate", "myapp--DB")
    assert done.out == b"main:/x#DB: 1 dropped\n"


def test_all_values_are_dropped(host: Host) -> None:
    host.world.keeping.dropped = 40
    assert host.command("cache", "invalidate", "--all").out == b"all: 40 dropped\n"
    (request,) = asked(host, k.Invalidate)
    assert request.everything


def test_nothing_to_drop_is_said(host: Host) -> None:
    host.world.keeping.dropped = 0
    assert host.command("cache", "invalidate", ID).out.endswith(b"nothing was cached\n")


def test_an_unknown_id_is_exit_2(host: Host) -> None:
    host.broker.answers[k.Invalidate] = lambda _: Refused(code="unknown-id", detail="no mapping")
    done = host.command("cache", "invalidate", ID)
    assert (done.code, done.out) == (2, b"")


@pytest.mark.parametrize(
    "command",
    [
        [], ["status"], ["refresh"], ["invalidate"], ["init"], ["reseal"], ["slots"],
        ["add-slot"], ["remove-slot"], ["recover"],
    ],
    ids=" ".join,
)  # fmt: skip  # words
def test_every_help_has_an_example(host: Host, command: list[str]) -> None:
    done = host.command("cache", *command, "--help")
    assert (done.code, done.err) == (0, "")
    assert b"Example: psictl cache" in done.out


@pytest.mark.parametrize("arguments", [[], [ID, "--all"], ["nobody--KEY"], ["x"], ["a:b"]])
def test_a_name_that_means_nothing_drops_nothing(host: Host, arguments: list[str]) -> None:
    assert host.command("cache", "invalidate", *arguments).code == 2
    assert asked(host, k.Invalidate) == []
