"""A broker with many kinds of folders, and what psictl asks of it."""

from typing import Any

from psi.shared.messages.base import Refused, Reply
from psi.shared.messages.broker import (
    Discover,
    Discovered,
    DiscoverReply,
    Finding,
    ReadSecrets,
    ReadSecretsReply,
)
from psi.shared.projection import Source
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed, raw
from tests.unit.broker.chain import CLIENT_ID, CLIENT_SECRET, PROJECT_ID, Chain, workload

BIG = 200
LARGE = {f"LARGE_{number}": bytes([65 + number]) * 511_999 for number in range(3)}


def control_seed() -> Seed:
    project = ProjectSeed(PROJECT_ID, "myproject")
    project.secrets_at("prod", "/myapp", A="a", SHARED="of myapp")
    project.secrets_at("prod", "/second", SHARED="of second")
    project.secrets_at("prod", "/tree", TOP="1").secrets_at("prod", "/tree/x", TWICE="1", X="1")
    project.secrets_at("prod", "/tree/y", TWICE="2", Y="1")
    for number in range(BIG):
        project.secret("prod", "/big", f"KEY_{number:03}", f"value {number}")
    for key, value in LARGE.items():
        project.secret("prod", "/large", key, raw(value))
    project.secrets_at("prod", "/bad", GOOD="good", EMPTY="", MASKED="<hidden-by-infisical>")
    project.secret("prod", "/bad", "X\nPodmanArgs=--privileged", "evil")
    project.secrets_at("prod", "/importer", DIRECT="direct", OWN="own")
    project.secrets_at("prod", "/one", DIRECT="one", BOTH="one", ONE="one")
    project.secrets_at("prod", "/two", DIRECT="two", BOTH="two", TWO="two")
    project.imports_from("prod", "/importer", "prod", "/one")
    project.imports_from("prod", "/importer", "prod", "/two")
    project.secrets_at("dev", "/myapp", A="of dev")
    return Seed([IdentitySeed(CLIENT_ID, CLIENT_SECRET, role="viewer")], [project])


def _source(path: str, *, recursive: bool = False) -> Source:
    return Source(project="myproject", path=path, recursive=recursive)


WORKLOADS = {
    "myapp": workload(_source("/myapp"), _source("/second"), depends_on=["x.service"]),
    "tree": workload(_source("/tree", recursive=True)),
    "big": workload(_source("/big")),
    "bad": workload(_source("/bad")),
    "importer": workload(_source("/importer")),
    "gone": workload(_source("/gone")),
}


def one(chain: Chain, request: Any) -> Any:
    return chain.call(request)[0]


def pages(chain: Chain, request: type[Any], **fields: Any) -> list[Any]:
    """Return every page of a paged request."""
    found = [one(chain, request(**fields))]
    while found[-1].next:
        found.append(one(chain, request(**fields, cursor=found[-1].next)))
    return found


def discovered(chain: Chain, name: str) -> tuple[list[Discovered], list[Finding]]:
    found: list[DiscoverReply] = pages(chain, Discover, workload=name)
    secrets = [secret for page in found for secret in page.secrets]
    return secrets, [finding for page in found for finding in page.findings]


def read(chain: Chain, path: str, **fields: Any) -> tuple[dict[str, bytes], list[Finding]]:
    fields = {"project": "myproject", "path": path} | fields
    found: list[ReadSecretsReply] = pages(chain, ReadSecrets, **fields)
    values = {entry.key: entry.value.reveal() for page in found for entry in page.secrets}
    return values, [finding for page in found for finding in page.findings]


def code_of(reply: Reply) -> str:
    assert isinstance(reply, Refused), reply
    assert reply.detail
    return reply.code
