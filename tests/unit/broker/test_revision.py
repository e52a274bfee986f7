"""The digest changes with all that a registration follows from, and with nothing else."""

import msgspec
import pytest

from psi.broker.revision import revision_of
from psi.shared.projection import KeyOptions, Project, Source, UniversalAuth, WorkloadConfig
from psi.shared.secret import SecretBytes

WORKLOAD = WorkloadConfig(
    unit="myapp.container",
    sources=[Source(project="main", path="/a"), Source(project="main", path="/b")],
    keys={"A": KeyOptions(type="mount"), "B": KeyOptions(target="C")},
)
PROJECTS = {"main": Project(id="p1", environment="prod"), "x": Project(id="p2", environment="dev")}
CHANGES = {
    "the unit": {"unit": "other.container"},
    "a further source": {"sources": [*WORKLOAD.sources, Source(project="main", path="/c")]},
    "the sources' order": {"sources": WORKLOAD.sources[::-1]},
    "a recursive source": {"sources": [Source(project="main", path="/a", recursive=True)]},
    "the type": {"type": "mount"},
    "a key's options": {"keys": {"A": KeyOptions()}},
    "what it waits for": {"depends_on": ["x.service"]},
}


def test_equal_configurations_have_one_revision_of_32_digits() -> None:
    turned = msgspec.structs.replace(WORKLOAD, keys=dict(reversed(WORKLOAD.keys.items())))
    found = revision_of(WORKLOAD, PROJECTS)
    assert revision_of(turned, PROJECTS) == found
    assert len(found) == 32
    assert set(found) <= set("0123456789abcdef")


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_workload_changes_it(change: str) -> None:
    changed = msgspec.structs.replace(WORKLOAD, **CHANGES[change])
    assert revision_of(changed, PROJECTS) != revision_of(WORKLOAD, PROJECTS)


@pytest.mark.parametrize("project", [Project(id="p9", environment="prod"), None])
def test_where_a_source_lies_changes_it(project: Project | None) -> None:
    projects = {} if project is None else {**PROJECTS, "main": project}
    assert revision_of(WORKLOAD, projects) != revision_of(WORKLOAD, PROJECTS)


def test_another_project_or_a_credential_does_not() -> None:
    auth = UniversalAuth(client_id="x", client_secret=SecretBytes(b"canary"))
    main = Project(id="p1", environment="prod", auth=auth)
    assert revision_of(WORKLOAD, {"main": main}) == revision_of(WORKLOAD, PROJECTS)
