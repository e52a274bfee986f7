"""Whole lists from pages, and hostile names in them."""

import pytest

from psi.shared.errors import ProtocolError, Refusal
from psi.shared.messages import broker as b
from psi.shared.messages.base import Refused, Reply
from psi.shared.projection import Coordinate
from psictl.catalogue import (
    broker_status,
    discover,
    list_mappings,
    list_workloads,
    read_folder,
    try_logins,
)
from psictl.client import BrokerClient
from psictl.paging import all_pages
from tests.fakes.broker.host import Host
from tests.fakes.broker.world import discovered, finding

HOSTILE_KEYS = {
    "a newline with a directive": "X\nPodmanArgs=--privileged\nVolume=/:/host",
    "a section": "Y\n[Service]\nExecStartPre=/bin/sh",
    "a comma with options": "X,type=mount,target=/etc/ld.so.preload",
    "a backslash at the end": "END\\",
    "a quote": 'X"Y',
    "a specifier": "%i",
    "a trailing newline": "KEY\n",
    "an equals sign": "A=B",
    "a slash": "a/b",
    "an escape sequence": "\x1b[2J",
    "129 characters": "A" * 129,
    "a digit first": "1A",
    "a full-width letter": "\uff21",
}


def test_every_page_of_workloads_is_fetched(host: Host, client: BrokerClient) -> None:
    for name in ("a", "b", "c", "d@", "e"):
        host.world.add(name)
    assert list_workloads(client) == ["a", "b", "c", "d@", "e"]


def test_every_page_of_mappings_is_fetched(host: Host, client: BrokerClient) -> None:
    host.world.mappings = {
        f"{number:025x}": Coordinate(project="main", path="/", key=f"K{number}")
        for number in range(5)
    }
    assert list_mappings(client) == host.world.mappings


def test_a_discovery_is_whole_and_in_order(host: Host, client: BrokerClient) -> None:
    secrets = [discovered(key) for key in ("A", "B", "C")]
    findings = [finding("notice", "B", "later wins"), finding("refused", "Z", "masked")]
    units = ["db.service", "db.service", "net.target"]
    host.world.add("myapp", *secrets, findings=findings, depends_on=units)
    found = discover(client, "myapp")
    assert (found.unit, found.depends_on) == ("myapp.container", ("db.service", "net.target"))
    assert list(found.secrets) == secrets
    assert list(found.findings) == findings


@pytest.mark.parametrize("key", HOSTILE_KEYS.values(), ids=HOSTILE_KEYS.keys())
def test_a_hostile_key_becomes_a_finding_and_does_not_stop_the_others(
    host: Host, client: BrokerClient, key: str
) -> None:
    host.world.add("myapp", discovered("BEFORE"), discovered(key), discovered("AFTER"))
    found = discover(client, "myapp")
    assert [secret.key for secret in found.secrets] == ["BEFORE", "AFTER"]
    (refused,) = found.findings
    assert refused.kind == "refused"
    assert (refused.subject + refused.detail).isprintable()


@pytest.mark.parametrize("target", ["A\nB", "A,type=mount", "A=B"])
def test_a_hostile_target_of_a_variable_becomes_a_finding(
    host: Host, client: BrokerClient, target: str
) -> None:
    host.world.add("myapp", discovered("KEY", target=target))
    found = discover(client, "myapp")
    assert not found.secrets
    assert found.findings[0].kind == "refused"


@pytest.mark.parametrize("path", ["/../x", "relative", "/a//b", "/a/", "/a\n"])
def test_a_hostile_path_becomes_a_finding(host: Host, client: BrokerClient, path: str) -> None:
    host.world.add("myapp", discovered("KEY", path))
    found = discover(client, "myapp")
    assert not found.secrets
    assert found.findings[0].kind == "refused"


def test_findings_are_made_printable(host: Host, client: BrokerClient) -> None:
    host.world.add("myapp", findings=[finding("refused", "K\x1b[31m\n", "detail")])
    assert discover(client, "myapp").findings[0].subject == "K?[31m?"


@pytest.mark.parametrize("path", ["/../x", "/a\nb"])
def test_a_mapping_with_a_hostile_path_is_a_protocol_error(
    host: Host, client: BrokerClient, path: str
) -> None:
    host.world.mappings["a" * 25] = Coordinate(project="main", path=path, key="K")
    with pytest.raises(ProtocolError):
        list_mappings(client)


def test_a_key_named_twice_is_a_protocol_error(host: Host, client: BrokerClient) -> None:
    host.world.add("myapp", discovered("A"), discovered("B"), discovered("A"))
    with pytest.raises(ProtocolError, match="twice"):
        discover(client, "myapp")


def test_pages_that_name_different_units_are_a_protocol_error(
    host: Host, client: BrokerClient
) -> None:
    host.world.add("myapp")

    def page(request: b.Discover) -> Reply:
        unit = f"unit{request.cursor}.container"
        return b.DiscoverReply(
            unit=unit, depends_on=[], secrets=[], findings=[], next=1 - request.cursor
        )

    host.broker.answers[b.Discover] = page
    with pytest.raises(ProtocolError, match="several units"):
        discover(client, "myapp")


def test_a_list_in_a_circle_is_a_protocol_error(host: Host, client: BrokerClient) -> None:
    host.broker.answers[b.ListWorkloads] = lambda request: b.ListWorkloadsReply(
        workloads=[], next=request.cursor % 3 + 1
    )
    with pytest.raises(ProtocolError, match="circle"):
        list_workloads(client)


def test_a_list_without_end_is_a_protocol_error(host: Host, client: BrokerClient) -> None:
    host.broker.answers[b.ListWorkloads] = lambda request: b.ListWorkloadsReply(
        workloads=[], next=request.cursor + 1
    )
    with pytest.raises(ProtocolError, match="over 50 pages"):
        all_pages(
            client, lambda at: (b.ListWorkloads(cursor=at), b.ListWorkloadsReply), max_pages=50
        )


def test_a_stale_cursor_begins_the_list_again(host: Host, client: BrokerClient) -> None:
    host.world.add("myapp", *(discovered(key) for key in ("A", "B", "C")))
    stale = [True]

    def answer(request: b.Discover) -> Reply:
        if request.cursor and stale.pop():
            stale.append(False)
            return Refused(code="stale-cursor", detail="begin again")
        return host.world.answer(request)

    host.broker.answers[b.Discover] = answer
    assert len(discover(client, "myapp").secrets) == 3


def test_a_cursor_that_is_always_stale_is_an_error(host: Host, client: BrokerClient) -> None:
    host.world.add("myapp")
    host.broker.answers[b.Discover] = lambda _: Refused(code="stale-cursor", detail="again")
    with pytest.raises(Refusal, match="again"):
        discover(client, "myapp")
    assert [type(request) for request in host.broker.requests].count(b.Discover) == 3


def test_a_folder_is_read_value_by_value(host: Host, client: BrokerClient) -> None:
    host.world.values["main", "/"] = {"A": b"1", "B": b"\0\xff", "C": b"x" * 511_999}
    folder = read_folder(client, "main", "/", None)
    assert {entry.key: entry.value.reveal() for entry in folder.secrets} == host.world.values[
        "main", "/"
    ]


def test_a_value_that_was_not_asked_for_is_a_protocol_error(
    host: Host, client: BrokerClient
) -> None:
    host.world.values["main", "/"] = {"A": b"1"}
    host.broker.answers[b.ReadSecrets] = lambda _: host.world.answer(
        b.ReadSecrets(project="main", path="/")
    )
    with pytest.raises(ProtocolError, match="not asked for"):
        read_folder(client, "main", "/", None, "B")


def test_all_logins_and_identities_are_fetched(host: Host, client: BrokerClient) -> None:
    host.world.logins = [
        b.LoginResult(scope=f"project:p{n}", method="m", identity="i", ok=True, detail="",
                      expires_at=1)
        for n in range(5)
    ]  # fmt: skip  # one login
    host.world.identities = [
        b.IdentityStatus(scope=f"project:p{n}", method="m", identity="i", state="idle",
                         expires_at=0)
        for n in range(5)
    ]  # fmt: skip  # one identity
    assert try_logins(client, retry=True) == host.world.logins
    state, identities = broker_status(client)
    assert (state.generation, identities) == (3, host.world.identities)
