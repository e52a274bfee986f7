"""What a boot asks of a real broker: answered from memory, Infisical never asked."""

import re

from psi.shared.messages.broker import BrokerError, Discover
from psi.shared.messages.broker_cache import (
    DescribeWorkload,
    DescribeWorkloadReply,
    Invalidate,
    ListHeld,
)
from tests.unit.broker.chain import Chain, mapping, secret_id
from tests.unit.broker.control_scene import BIG, code_of, one, pages


def held(chain: Chain) -> list[str]:
    return [name for page in pages(chain, ListHeld) for name in page.held]


def test_the_ids_whose_value_is_in_memory_are_listed(chain: Chain) -> None:
    ids = [secret_id(number) for number in range(BIG)]
    for number, name in enumerate(ids):
        assert chain.store(name, mapping(f"KEY_{number:03}", "/big")).status == 200
    chain.call(Invalidate(everything=True))
    chain.infisical.clear_requests()
    assert held(chain) == []
    assert len(pages(chain, ListHeld)) == 4
    assert chain.infisical.requests() == []
    pages(chain, Discover, workload="big")
    assert held(chain) == ids
    for name in ids:
        assert chain.delete(name).status == 200
    assert held(chain) == []


def test_a_workload_is_described_without_asking_infisical(chain: Chain) -> None:
    chain.infisical.clear_requests()
    reply = one(chain, DescribeWorkload(workload="gone"))
    assert isinstance(reply, DescribeWorkloadReply)
    assert reply.unit == "myapp.container"
    assert re.fullmatch("[0-9a-f]{32}", reply.revision)
    assert one(chain, DescribeWorkload(workload="tree")).revision != reply.revision
    assert chain.infisical.requests() == []


def test_an_unknown_workload_is_not_described(chain: Chain) -> None:
    assert code_of(one(chain, DescribeWorkload(workload="nope"))) == BrokerError.UNKNOWN_NAME
