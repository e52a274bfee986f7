"""Which coordinates a mapping may name (r5)."""

from pathlib import Path

import pytest

from psi.broker.mapping import Coordinate
from psi.broker.policy import Policy
from psi.shared.projection import Coordinate as Allowed
from psi.shared.projection import Source
from tests.unit.broker.chain import projection, workload


def policy(*sources: Source, allow: tuple[tuple[str, str, str], ...] = ()) -> Policy:
    allowed = [Allowed(project=project, path=path, key=key) for project, path, key in allow]
    workloads = {f"w{number}": workload(source) for number, source in enumerate(sources)}
    return Policy(projection("http://x", Path("/"), workloads=workloads, allow=allowed))


def source(path: str, project: str = "p", *, recursive: bool = False) -> Source:
    return Source(project=project, path=path, recursive=recursive)


FLAT = policy(source("/my"))
TREE = policy(source("/my", recursive=True))


def test_a_key_in_a_source_is_permitted() -> None:
    assert FLAT.permits(Coordinate("p", "/my", "ANY"))


OUTSIDE = {
    "sibling with the same start": ("p", "/myapp"),
    "folder above": ("p", "/"),
    "folder below": ("p", "/my/sub"),
    "other case": ("p", "/MY"),
    "other project": ("q", "/my"),
    "start only": ("p", "/m"),
}


@pytest.mark.parametrize(("project", "path"), OUTSIDE.values(), ids=OUTSIDE.keys())
def test_outside_of_a_source_is_refused(project: str, path: str) -> None:
    assert not FLAT.permits(Coordinate(project, path, "ANY"))


@pytest.mark.parametrize("path", ["/my", "/my/sub", "/my/a/b/c"])
def test_below_a_recursive_source_is_permitted(path: str) -> None:
    assert TREE.permits(Coordinate("p", path, "ANY"))


@pytest.mark.parametrize("path", ["/", "/myapp", "/myapp/my", "/other/my"])
def test_beside_a_recursive_source_is_refused(path: str) -> None:
    assert not TREE.permits(Coordinate("p", path, "ANY"))


def test_a_recursive_root_permits_its_project_and_no_other() -> None:
    root = policy(source("/", recursive=True))
    assert root.permits(Coordinate("p", "/a/b", "K"))
    assert not root.permits(Coordinate("q", "/a/b", "K"))


def test_a_root_that_is_not_recursive_is_one_folder() -> None:
    assert policy(source("/")).permits(Coordinate("p", "/", "K"))
    assert not policy(source("/")).permits(Coordinate("p", "/a", "K"))


def test_the_sources_of_every_workload_count() -> None:
    both = policy(source("/a"), source("/b", "q"))
    assert both.permits(Coordinate("p", "/a", "K"))
    assert both.permits(Coordinate("q", "/b", "K"))
    assert not both.permits(Coordinate("p", "/b", "K"))


def test_allow_permits_one_key_and_not_its_folder() -> None:
    allowing = policy(allow=(("p", "/my", "K"),))
    assert allowing.permits(Coordinate("p", "/my", "K"))
    assert not allowing.permits(Coordinate("p", "/my", "L"))
    assert not allowing.in_source("p", "/my")


def test_without_workloads_nothing_is_permitted() -> None:
    assert not policy().permits(Coordinate("p", "/", "K"))
