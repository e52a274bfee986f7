"""``psictl setup`` with the stand-in podman, whose driver really runs, and without a Podman."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from psi.shared.messages import broker as b
from psi.shared.messages.base import Refused
from tests.fakes.broker.host import Host
from tests.fakes.broker.memory_podman import coordinate
from tests.fakes.broker.world import discovered, finding


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as entered:
        yield entered


def podman_secrets(folder: Path) -> dict[str, Any]:
    held = json.loads((folder / "secrets.json").read_text())
    return {info["Spec"]["Name"]: secret_id for secret_id, info in held.items()}


def test_the_driver_registers_each_mapping_with_the_broker(host: Host) -> None:
    folder = host.use_fake_podman()
    host.world.add("myapp", discovered("A"), discovered("B"), discovered("C"))
    host.world.add("worker@", discovered("A"))
    done = host.psictl("setup")
    assert done.code == 0
    assert done.out.decode().splitlines() == [
        "myapp: 3 created, 50-secrets.conf changed",
        "worker@: 1 created, 50-secrets.conf changed",
    ]
    ids = podman_secrets(folder)
    assert set(ids) == {"myapp--A", "myapp--B", "myapp--C", "worker@--A"}
    assert host.world.mappings == {ids[name]: coordinate(name.partition("--")[2]) for name in ids}


def test_a_second_run_keeps_every_id(host: Host) -> None:
    folder = host.use_fake_podman()
    host.world.add("myapp", discovered("A"), discovered("B"))
    assert host.psictl("setup").code == 0
    before = podman_secrets(folder)
    done = host.psictl("setup", "--json", "myapp")
    assert done.code == 0
    assert podman_secrets(folder) == before
    shown = done.json()
    assert (shown["schema"], shown["podman"], shown["exit"]) == (1, "5.4.2", 0)
    assert [each["outcome"] for each in shown["workloads"][0]["secrets"]] == ["kept", "kept"]
    assert shown["workloads"][0]["unit"] == "myapp.container"


def test_a_changed_coordinate_is_stored_under_a_new_id(host: Host) -> None:
    folder = host.use_fake_podman()
    host.world.add("myapp", discovered("A"))
    host.psictl("setup")
    before = podman_secrets(folder)
    host.world.workloads["myapp"].secrets = [discovered("A", "/moved")]
    done = host.psictl("setup")
    assert (done.code, done.out) == (0, b"myapp: 1 replaced\n")
    after = podman_secrets(folder)
    assert after["myapp--A"] != before["myapp--A"]
    assert host.world.mappings == {after["myapp--A"]: coordinate("A", "/moved")}


def test_what_the_broker_refuses_to_store_is_exit_1_with_its_reason(host: Host) -> None:
    host.use_fake_podman()
    host.frontend.refuse = {"B"}
    host.world.add("myapp", discovered("A"), discovered("B"))
    done = host.psictl("setup")
    assert done.code == 1
    assert "myapp--B: not registered" in done.err
    assert "1 created, 1 failed" in done.out.decode()


def test_findings_are_told_and_set_the_exit_code(host: Host) -> None:
    host.use_fake_podman()
    findings = [
        finding("refused", "BIG", "over 131070 bytes: mount it"),
        finding("refused", "NUL", "has a NUL: mount it"),
        finding("notice", "A", "the later source wins"),
    ]
    host.world.add("myapp", discovered("A"), discovered("X\nPodmanArgs=x"), findings=findings)
    done = host.psictl("setup", "--json")
    assert done.code == 3
    for text in ("BIG: over", "NUL: has", "A: the later source wins (notice)", "X?PodmanArgs=x"):
        assert text in done.err
    (shown,) = done.json()["workloads"]
    assert [found["kind"] for found in shown["findings"]].count("refused") == 3
    assert shown["exit"] == 3


def test_below_podman_5_the_lines_are_printed(host: Host) -> None:
    folder = host.use_fake_podman("4.9.3")
    host.world.add("myapp", discovered("A"))
    done = host.psictl("setup")
    assert done.code == 0
    assert "Secret=myapp--A,type=env,target=A" in done.err
    assert list(podman_secrets(folder)) == ["myapp--A"]
    assert not host.layout.quadlets.exists()


def test_a_template_below_podman_5_is_exit_2_with_the_version(host: Host) -> None:
    host.use_fake_podman("4.9.3")
    host.world.add("worker@", discovered("A"))
    done = host.psictl("setup")
    assert done.code == 2
    assert "5.0" in done.err


def test_an_unknown_workload_is_exit_2(host: Host) -> None:
    host.use_fake_podman()
    done = host.psictl("setup", "nobody")
    assert done.code == 2
    assert "no workload nobody" in done.err


@pytest.mark.parametrize("name", ["-", "a b", "../x", "a\nb", "wind-"])
def test_a_malformed_workload_is_exit_2(host: Host, name: str) -> None:
    host.use_fake_podman()
    assert host.psictl("setup", "--", name).code == 2


def test_a_host_without_podman_is_exit_4(host: Host) -> None:
    host.use_fake_podman()
    host.environment["PATH"] = str(host.root / "empty")
    host.world.add("myapp", discovered("A"))
    done = host.psictl("setup")
    assert done.code == 4
    assert "podman" in done.err


def test_no_podman_prints_one_array_of_ids_that_are_registered(host: Host) -> None:
    host.world.add("myapp", discovered("A"), discovered("B"))
    host.world.add("other", discovered("A"))
    done = host.psictl("setup", "--no-podman")
    assert done.code == 0
    entries = done.json()
    assert [(entry["workload"], entry["name"]) for entry in entries] == [
        ("myapp", "myapp--A"), ("myapp", "myapp--B"), ("other", "other--A"),
    ]  # fmt: skip  # rows
    assert set(entries[0]) == {"workload", "name", "id"}
    assert {entry["id"] for entry in entries} == set(host.world.mappings)
    assert entries[0]["id"] == entries[2]["id"] != entries[1]["id"]


def test_no_podman_uses_the_ids_of_equal_mappings_again(host: Host) -> None:
    host.world.add("myapp", discovered("A"), discovered("B"))
    host.world.add("other", discovered("A"))
    first = host.psictl("setup", "--no-podman").json()
    second = host.psictl("setup", "--no-podman").json()
    assert second == first
    assert len(host.world.mappings) == 2


def test_no_podman_leaves_out_what_was_refused(host: Host) -> None:
    host.frontend.refuse = {"B"}
    host.world.add("myapp", discovered("A"), discovered("B"))
    done = host.psictl("setup", "--no-podman")
    assert done.code == 1
    assert [entry["name"] for entry in done.json()] == ["myapp--A"]
    assert "myapp--B: not registered: outside every workload" in done.err


def test_no_podman_goes_on_after_a_workload_that_fails(host: Host) -> None:
    host.world.add("bad")
    host.world.add("good", discovered("A"))
    host.broker.answers[b.Discover] = lambda request: (
        Refused(code="unreachable", detail="Infisical does not answer")
        if request.workload == "bad"
        else host.world.answer(request)
    )
    done = host.psictl("setup", "--no-podman")
    assert done.code == 5
    assert [entry["name"] for entry in done.json()] == ["good--A"]
    assert "bad: Infisical does not answer" in done.err


def test_no_podman_without_the_frontend_is_exit_4(host: Host) -> None:
    host.layout.http_socket.unlink()
    host.world.add("myapp", discovered("A"))
    done = host.psictl("setup", "--no-podman")
    assert done.code == 4
    assert done.json() == []
