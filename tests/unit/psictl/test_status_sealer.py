"""``psictl status``: the sealer and the cache, and which of their troubles are degraded."""

from typing import Any

import pytest

from psi.shared.messages import broker_cache as k
from psi.shared.messages.base import Refused
from psi.shared.processes import Process
from tests.fakes.broker.host import Host
from tests.fakes.sealer.world import slot


@pytest.fixture
def sealed(host: Host) -> Host:
    """Return a host whose values are kept under a TPM."""
    host.world.status = {"backend": "tpm"}
    host.world.keeping.cache = {
        "backend": "tpm", "file_bytes": 900, "written_at": 1.7e9, "generation": 4, "sealer": "open"
    }  # fmt: skip  # one reply
    host.sealed.slots = [slot(0, "tpm", opens=True), slot(1, "recovery")]
    return host


def test_a_sealed_cache_is_shown(sealed: Host) -> None:
    done = sealed.command("status")
    assert (done.code, done.err) == (0, "")
    shown = done.out.decode()
    assert "open, tpm, hold open, slots: 1 recovery, 1 tpm" in shown
    assert "tpm, loaded, 40 values" in shown
    assert "written 2023-11-14 22:13:20 UTC" in shown
    assert "refreshed:  2023-11-14" in shown


def test_the_object_has_the_cache_and_the_sealer(sealed: Host) -> None:
    shown = sealed.command("status", "--json").json()
    assert (shown["exit"], shown["problems"]) == (0, [])
    assert (shown["cache"]["backend"], shown["cache"]["entries"]) == ("tpm", 40)
    assert shown["sealer"]["reachable"] is True
    assert (shown["sealer"]["state"], len(shown["sealer"]["slots"])) == ("open", 2)


def test_without_anything_at_rest_the_sealer_is_not_asked(host: Host) -> None:
    shown = host.command("status", "--json").json()
    assert (shown["exit"], shown["sealer"]) == (0, None)
    assert shown["cache"]["backend"] == "memory"
    assert host.sealer.requests == []


def test_without_a_cache_there_is_nothing_to_ask(host: Host) -> None:
    host.world.status = {"backend": "none"}
    shown = host.command("status", "--json").json()
    assert (shown["exit"], shown["cache"], shown["sealer"]) == (0, None, None)
    assert not any(isinstance(request, k.CacheStatus) for request in host.broker.requests)


def test_a_sealer_that_is_not_there_is_exit_4(sealed: Host) -> None:
    sealed.layout.control_socket(Process.SEALER).unlink()
    done = sealed.command("status", "--json")
    assert done.code == 4
    assert done.json()["sealer"] == {"reachable": False}
    assert done.json()["cache"]["entries"] == 40
    assert "sealer:     not reachable" in sealed.command("status").out.decode()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            {"state": "degraded", "code": "boot-state", "detail": "psictl cache reseal"},
            "the sealer is degraded (boot-state): psictl cache reseal",
        ),
        ({"state": "unprovisioned"}, "psictl cache init --recovery"),
    ],
)
def test_a_degraded_sealer_is_exit_3(sealed: Host, fields: dict[str, Any], problem: str) -> None:
    sealed.sealed.status = fields
    done = sealed.command("status", "--json")
    assert done.code == 3
    assert problem in done.json()["problems"][0]


def test_a_sealer_that_opens_for_each_operation_is_well(sealed: Host) -> None:
    sealed.sealed.status = {"state": "closed", "hold": "per-operation"}
    assert sealed.command("status").code == 0


def test_a_cache_that_cannot_be_read_is_exit_3(sealed: Host) -> None:
    sealed.world.keeping.cache |= {"state": "unreadable", "detail": "the boot state changed"}
    done = sealed.command("status")
    assert done.code == 3
    assert "the cache cannot be read, and is kept: the boot state changed" in done.err


def test_caches_that_were_set_aside_are_named(sealed: Host) -> None:
    sealed.world.keeping.cache |= {"unreadable": ["cache.enc.unreadable-20260101"]}
    done = sealed.command("status")
    assert done.code == 3
    assert "set aside:  cache.enc.unreadable-20260101" in done.out.decode()


def test_a_broker_that_cannot_tell_of_its_cache_is_exit_3(sealed: Host) -> None:
    sealed.broker.answers[k.CacheStatus] = lambda _: Refused(code="internal", detail="its log")
    done = sealed.command("status")
    assert done.code == 3
    assert "its log" in done.err
