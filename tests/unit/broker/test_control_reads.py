"""What psictl may ask of a real broker: values, logins, its own state."""

from typing import Any

import pytest

from psi.shared.messages.broker import (
    BrokerError,
    BrokerStatus,
    BrokerStatusReply,
    ReadSecrets,
)
from psi.shared.messages.broker import TestLogin as LoginTest  # pytest would collect its own name
from psi.shared.messages.broker import TestLoginReply as LoginTestReply
from tests.unit.broker.chain import CLIENT_SECRET, LISTS, Chain, mapping, secret_id
from tests.unit.broker.control_scene import LARGE, WORKLOADS, code_of, one, read


def test_the_largest_values_are_read_one_to_a_page(chain: Chain) -> None:
    chain.infisical.clear_requests()
    assert read(chain, "/large") == (LARGE, [])
    assert chain.infisical.count(LISTS) == 1


def test_reading_tells_what_cannot_be_read(chain: Chain) -> None:
    values, findings = read(chain, "/bad")
    assert values == {"GOOD": b"good"}
    assert len(findings) == 3


def test_one_key_is_read_alone(chain: Chain) -> None:
    assert read(chain, "/myapp", key="A") == ({"A": b"a"}, [])


def test_another_environment_may_be_read(chain: Chain) -> None:
    assert read(chain, "/myapp", environment="dev") == ({"A": b"of dev"}, [])


READS = {
    "a missing key": ({"key": "NOPE"}, BrokerError.ABSENT),
    "a missing folder": ({"path": "/nope"}, BrokerError.ABSENT),
    "an unknown project": ({"project": "other"}, BrokerError.UNKNOWN_NAME),
    "a malformed path": ({"path": "/a/../b"}, BrokerError.UNKNOWN_NAME),
}


@pytest.mark.parametrize(("fields", "code"), READS.values(), ids=READS.keys())
def test_what_cannot_be_read_is_refused(
    chain: Chain, fields: dict[str, Any], code: BrokerError
) -> None:
    request = ReadSecrets(**{"project": "myproject", "path": "/myapp"} | fields)
    assert code_of(one(chain, request)) == code


def test_a_login_is_tested(chain: Chain) -> None:
    reply = one(chain, LoginTest())
    assert isinstance(reply, LoginTestReply)
    (result,) = reply.results
    assert (result.scope, result.ok, result.detail) == ("global", True, "")
    assert result.expires_at > 0


def test_the_status_has_the_numbers(chain: Chain) -> None:
    before: BrokerStatusReply = one(chain, BrokerStatus())
    name = secret_id(1)
    (chain.state / secret_id(9)).write_bytes(b"damaged, but not read until a restart")
    assert chain.store(name, mapping("A")).status == 200
    assert chain.store(secret_id(2), b"nojson").status == 400
    assert [chain.look_up(name).status for _ in range(3)] == [200] * 3
    assert chain.look_up(secret_id(3)).status == 404
    after: BrokerStatusReply = one(chain, BrokerStatus())
    assert (after.mappings, after.bad_mappings) == (before.mappings + 1, before.bad_mappings)
    assert after.lookups == before.lookups + 4
    assert after.refusals == before.refusals + 2
    assert (after.generation, after.config_sha256) == (7, "ab" * 32)
    assert (after.backend, after.workloads) == ("memory", len(WORKLOADS))
    assert after.api_url == chain.infisical.url
    assert after.cached > 0
    assert after.upstream_requests > 0
    assert after.upstream_ok_at > 0
    assert after.upstream_error == ""
    (identity,) = after.identities
    assert (identity.scope, identity.method, identity.state) == (
        "global",
        "universal-auth",
        "valid",
    )
    chain.delete(name)
    (chain.state / secret_id(9)).unlink()


def test_a_bad_mapping_is_counted_after_a_restart(chain: Chain) -> None:
    bad, good = chain.state / secret_id(9), chain.state / secret_id(8)
    bad.write_bytes(b"damaged")
    good.write_bytes(mapping("A"))
    (chain.state / f".{secret_id(7)}.0123abcd.tmp").write_bytes(b"half")
    assert chain.broker.stop() == 0
    chain.broker.start()
    status: BrokerStatusReply = one(chain, BrokerStatus())
    assert (status.mappings, status.bad_mappings) == (1, 1)
    assert f"mapping.unreadable id={secret_id(9)}" in chain.broker.text()
    assert bad.read_bytes() == b"damaged"
    assert not list(chain.state.glob(".*.tmp"))
    assert chain.look_up(secret_id(9)).status == 404
    assert chain.delete(secret_id(9)).status == 200
    assert one(chain, BrokerStatus()).bad_mappings == 0


def test_reads_and_logins_are_audited_without_values(chain: Chain) -> None:
    read(chain, "/myapp")
    one(chain, LoginTest())
    log = chain.broker.text()
    assert "psi-audit: secrets-read project=myproject path=/myapp uid=0" in log
    assert "psi-audit: login-tested uid=0" in log
    assert "value 17" not in log
    assert CLIENT_SECRET not in log
