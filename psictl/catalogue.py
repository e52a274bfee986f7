"""The broker's lists, whole: every page fetched, every name parsed again before anyone uses it.

The message types check patterns already, but psictl writes these names into unit files as
root: it relies on its own parse and not on the peer's (r29).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from psi.shared.errors import InvalidName, ProtocolError
from psi.shared.messages import broker as b
from psi.shared.messages import broker_cache as k
from psi.shared.names import (
    parse_alias,
    parse_environment_name,
    parse_key,
    parse_secret_id,
    parse_secret_path,
    parse_systemd_unit,
    parse_unit,
    parse_workload,
    printable,
)
from psi.shared.projection import Coordinate
from psictl.client import BrokerClient
from psictl.paging import all_pages
from psictl.quadlet.revision import parse_revision

_DETAIL_CHARACTERS = 200


@dataclass(frozen=True)
class Description:
    """How one workload is configured."""

    unit: str
    revision: str
    """It changes with all that a registration follows from."""


@dataclass(frozen=True)
class Discovery:
    """What one workload should have, every name parsed."""

    unit: str
    revision: str
    depends_on: tuple[str, ...]
    secrets: tuple[b.Discovered, ...]
    findings: tuple[b.Finding, ...]


@dataclass(frozen=True)
class Folder:
    """The values of one folder and what the broker found wrong with others."""

    secrets: tuple[b.SecretEntry, ...]
    findings: tuple[b.Finding, ...]


def list_workloads(client: BrokerClient) -> list[str]:
    """Return the names of all configured workloads; raises as BrokerClient.call."""
    pages = all_pages(client, lambda at: (b.ListWorkloads(cursor=at), b.ListWorkloadsReply))
    return [_trusted(parse_workload, name) for page in pages for name in page.workloads]


def list_mappings(client: BrokerClient) -> dict[str, Coordinate]:
    """Return what is registered, by secret id; raises as BrokerClient.call."""
    pages = all_pages(client, lambda at: (b.ListMappings(cursor=at), b.ListMappingsReply))
    return {
        _trusted(parse_secret_id, entry.secret_id): Coordinate(
            project=_trusted(parse_alias, entry.project),
            path=_trusted(parse_secret_path, entry.path),
            key=_trusted(parse_key, entry.key),
        )
        for page in pages
        for entry in page.mappings
    }


def list_sealed(client: BrokerClient) -> dict[str, str]:
    """Return the names of the registered sealed secrets, by secret id; raises as above."""
    pages = all_pages(client, lambda at: (b.ListMappings(cursor=at), b.ListMappingsReply))
    return {
        _trusted(parse_secret_id, entry.secret_id): _trusted(parse_environment_name, entry.name)
        for page in pages
        for entry in page.sealed
    }


def list_held(client: BrokerClient) -> frozenset[str]:
    """Return the ids whose value the broker has in memory; raises as BrokerClient.call."""
    pages = all_pages(client, lambda at: (k.ListHeld(cursor=at), k.ListHeldReply))
    return frozenset(_trusted(parse_secret_id, held) for page in pages for held in page.held)


def describe(client: BrokerClient, workload: str) -> Description:
    """Return how a workload is configured; raises as BrokerClient.call."""
    reply = client.call(k.DescribeWorkload(workload=workload), k.DescribeWorkloadReply)
    return Description(_trusted(parse_unit, reply.unit), _trusted(parse_revision, reply.revision))


def discover(client: BrokerClient, workload: str) -> Discovery:
    """Return what a workload's sources hold now.

    A secret whose names do not parse becomes a finding of kind ``refused`` (r1).
    Raises as BrokerClient.call, and ProtocolError where the pages contradict each other.
    """
    # First: where the configuration changes meanwhile, the older one is named, not the newer.
    revision = describe(client, workload).revision
    pages = all_pages(
        client, lambda at: (b.Discover(workload=workload, cursor=at), b.DiscoverReply)
    )
    units = {page.unit for page in pages}
    if len(units) != 1:
        raise ProtocolError(f"the broker named several units for {workload}; run setup again")
    found = [item for page in pages for item in page.secrets]
    _refuse_duplicates(item.key for item in found)
    secrets, refused = _parse_secrets(found)
    return Discovery(
        unit=_trusted(parse_unit, units.pop()),
        revision=revision,
        depends_on=tuple(
            dict.fromkeys(_trusted(parse_systemd_unit, name) for name in pages[0].depends_on)
        ),
        secrets=tuple(secrets),
        findings=(*printable_findings(f for page in pages for f in page.findings), *refused),
    )


def read_folder(
    client: BrokerClient, project: str, path: str, environment: str | None, key: str | None = None
) -> Folder:
    """Return the values in a folder, or the one of ``key``; raises as BrokerClient.call."""

    def page(at: int) -> tuple[b.ReadSecrets, type[b.ReadSecretsReply]]:
        request = b.ReadSecrets(
            project=project, path=path, environment=environment, key=key, cursor=at
        )
        return request, b.ReadSecretsReply

    pages = all_pages(client, page)
    secrets = tuple(entry for each in pages for entry in each.secrets)
    _refuse_duplicates(entry.key for entry in secrets)
    if key is not None and any(entry.key != key for entry in secrets):
        raise ProtocolError("the broker sent a secret that was not asked for; update the suite")
    findings = printable_findings(f for each in pages for f in each.findings)
    return Folder(secrets, tuple(findings))


def try_logins(client: BrokerClient, *, retry: bool) -> list[b.LoginResult]:
    """Return how each identity's login fared; raises as BrokerClient.call."""
    pages = all_pages(client, lambda at: (b.TestLogin(retry=retry, cursor=at), b.TestLoginReply))
    return [result for page in pages for result in page.results]


def broker_status(client: BrokerClient) -> tuple[b.BrokerStatusReply, list[b.IdentityStatus]]:
    """Return the broker's state and its identities; raises as BrokerClient.call."""
    pages = all_pages(client, lambda at: (b.BrokerStatus(cursor=at), b.BrokerStatusReply))
    return pages[0], [identity for page in pages for identity in page.identities]


def printable_findings(findings: Iterable[b.Finding]) -> list[b.Finding]:
    """Return findings fit for a terminal."""
    return [
        b.Finding(
            kind=finding.kind,
            subject=printable(finding.subject),
            detail=printable(finding.detail, _DETAIL_CHARACTERS),
        )
        for finding in findings
    ]


def _parse_secrets(found: list[b.Discovered]) -> tuple[list[b.Discovered], list[b.Finding]]:
    secrets: list[b.Discovered] = []
    refused: list[b.Finding] = []
    for item in found:
        try:
            _parse_discovered(item)
        except InvalidName as error:
            detail = printable(f"not registered: {error}", _DETAIL_CHARACTERS)
            refused.append(b.Finding(kind="refused", subject=printable(item.key), detail=detail))
        else:
            secrets.append(item)
    return secrets, refused


def _parse_discovered(item: b.Discovered) -> None:
    parse_alias(item.project)
    parse_secret_path(item.path)
    parse_key(item.key)
    if item.options.type == "env":
        # The key stands in the secret's name as well as in the variable's.
        parse_environment_name(item.key)
        parse_environment_name(item.options.target or item.key)


def _refuse_duplicates(keys: Iterable[str]) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise ProtocolError(f"the broker named {printable(key)!r} twice; update the suite")
        seen.add(key)


def _trusted(parse: Callable[[str], str], name: str) -> str:
    """Parse a name that only a broken or hostile broker would send wrong."""
    try:
        return parse(name)
    except InvalidName as error:
        raise ProtocolError(f"the broker sent a name that may not be: {error}") from error
