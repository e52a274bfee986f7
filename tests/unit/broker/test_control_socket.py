"""What psictl may ask of a real broker about workloads and mappings, page by page."""

import pytest

from psi.shared.messages.broker import (
    BrokerError,
    Discover,
    ListMappings,
    ListMappingsReply,
    ListWorkloads,
    ListWorkloadsReply,
    ReadSecrets,
)
from tests.unit.broker.chain import LISTS, Chain, mapping, secret_id
from tests.unit.broker.control_scene import BIG, WORKLOADS, code_of, discovered, one, pages, read


def test_a_workload_is_found_with_its_unit_and_order(chain: Chain) -> None:
    (page,) = pages(chain, Discover, workload="myapp")
    assert (page.unit, page.depends_on) == ("myapp.container", ["x.service"])
    assert [(secret.key, secret.path) for secret in page.secrets] == [
        ("A", "/myapp"), ("SHARED", "/second"),
    ]  # fmt: skip  # two rows
    (notice,) = page.findings
    assert (notice.kind, notice.subject) == ("notice", "SHARED")


def test_200_secrets_come_in_pages_and_are_listed_once(chain: Chain) -> None:
    chain.infisical.clear_requests()
    found = pages(chain, Discover, workload="big")
    assert [len(page.secrets) for page in found] == [64, 64, 64, 8]
    keys = [secret.key for page in found for secret in page.secrets]
    assert sorted(keys) == [f"KEY_{number:03}" for number in range(BIG)]
    assert chain.infisical.count(LISTS) == 1


def test_doubles_in_a_recursive_source_are_errors(chain: Chain) -> None:
    secrets, findings = discovered(chain, "tree")
    assert {secret.key: secret.path for secret in secrets} == {
        "TOP": "/tree", "X": "/tree/x", "Y": "/tree/y",
    }  # fmt: skip  # a table
    assert [(finding.kind, finding.subject) for finding in findings] == [("refused", "TWICE")]


def test_hostile_keys_and_bad_values_are_reported_beside_the_good(chain: Chain) -> None:
    secrets, findings = discovered(chain, "bad")
    assert [secret.key for secret in secrets] == ["GOOD"]
    subjects = {finding.subject for finding in findings}
    assert subjects == {"EMPTY", "MASKED", "X?PodmanArgs=--privileged"}
    assert {finding.kind for finding in findings} == {"refused"}


def test_direct_wins_over_imports_and_the_last_import_over_earlier_ones(chain: Chain) -> None:
    secrets, findings = discovered(chain, "importer")
    assert {secret.key for secret in secrets} == {"DIRECT", "OWN", "BOTH", "ONE", "TWO"}
    assert {secret.path for secret in secrets} == {"/importer"}
    assert findings == []
    values = read(chain, "/importer")[0]
    assert values == {
        "DIRECT": b"direct", "OWN": b"own", "BOTH": b"two", "ONE": b"one", "TWO": b"two",
    }  # fmt: skip  # a table


def test_a_source_that_does_not_exist_refuses_the_workload(chain: Chain) -> None:
    reply = one(chain, Discover(workload="gone"))
    assert code_of(reply) == BrokerError.ABSENT
    assert reply.detail.startswith("myproject:/gone: ")


def test_an_unknown_workload_is_refused(chain: Chain) -> None:
    assert code_of(one(chain, Discover(workload="nope"))) == BrokerError.UNKNOWN_NAME


@pytest.mark.parametrize("cursor", [1, 64, 2**53 - 1])
def test_an_invented_cursor_is_stale(chain: Chain, cursor: int) -> None:
    stale = BrokerError.STALE_CURSOR
    assert code_of(one(chain, Discover(workload="big", cursor=cursor))) == stale
    request = ReadSecrets(project="myproject", path="/big", cursor=cursor)
    assert code_of(one(chain, request)) == stale


def test_a_used_up_cursor_is_stale(chain: Chain) -> None:
    last = pages(chain, Discover, workload="big")[-2].next
    reply = one(chain, Discover(workload="big", cursor=last))
    assert code_of(reply) == BrokerError.STALE_CURSOR


def test_the_workloads_come_in_the_configurations_order(chain: Chain) -> None:
    (page,) = pages(chain, ListWorkloads)
    assert isinstance(page, ListWorkloadsReply)
    assert page.workloads == list(WORKLOADS)


def test_200_mappings_come_in_pages_ordered_by_id(chain: Chain) -> None:
    ids = [secret_id(number) for number in range(BIG)]
    for number, name in enumerate(ids):
        assert chain.store(name, mapping(f"KEY_{number:03}", "/big")).status == 200
    found: list[ListMappingsReply] = pages(chain, ListMappings)
    entries = [entry for page in found for entry in page.mappings]
    assert [entry.secret_id for entry in entries] == ids
    assert [entry.key for entry in entries] == [f"KEY_{number:03}" for number in range(BIG)]
    for name in ids:
        assert chain.delete(name).status == 200
    assert pages(chain, ListMappings)[0].mappings == []
