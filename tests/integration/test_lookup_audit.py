"""The audit of a running broker, and that no secret reaches a log of either process."""

from collections.abc import Iterator

import pytest

from psi.shared.messages.broker import ReadSecrets
from tests.unit.broker.chain import (
    CLIENT_ID,
    CLIENT_SECRET,
    Chain,
    mapping,
    running,
    secret_id,
    seed,
)
from tests.unit.frontend.exchange import ask, send
from tests.unit.frontend.waiting import until

ID = secret_id(1)
CANARY = "canary-value-of-these-tests"
SUMMARY_SECONDS = 0.5


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    limits = {"audit_summary_seconds": SUMMARY_SECONDS, "miss_seconds": 2.0}
    values = {"A": CANARY, "MASKED": "<hidden-by-infisical>", "X\nEVIL=1": CANARY}
    with running(tmp_path_factory.mktemp("a"), seed(**values), limits=limits) as chain:
        yield chain


def audited(chain: Chain) -> list[str]:
    marker = "<5>psi-audit: "
    lines = chain.broker.text().splitlines()
    return [line.removeprefix(marker) for line in lines if line.startswith(marker)]


def test_the_life_of_a_secret_is_audited_in_order(chain: Chain) -> None:
    chain.store(ID, mapping("A"))
    for _ in range(20):
        assert chain.look_up(ID).body == CANARY.encode()
    until(lambda: any("summary" in line for line in audited(chain)), "it is summed up unasked")
    chain.delete(ID)
    chain.look_up(ID)
    chain.store(ID, b"nojson")
    events = [line.split()[0] for line in audited(chain)]
    assert events[0:3] == ["mapping-stored", "secret-granted", "secret-granted"]
    assert events[-3:] == ["mapping-deleted", "secret-denied", "mapping-denied"]
    live, cached = audited(chain)[1:3]
    assert f"id={ID} source=live claimed_uid=0 claimed_pid=" in live
    assert "source=cached" in cached
    grants = events.count("secret-granted") - 1
    summed = sum(int(line.rpartition("=")[2]) for line in audited(chain) if "summary" in line)
    assert grants + summed == 19


def test_the_rest_is_summed_up_at_the_end(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("a"), seed(A="a")) as chain:
        chain.store(ID, mapping("A"))
        for _ in range(5):
            chain.look_up(ID)
        assert chain.broker.stop() == 0
        last = f"secret-granted-summary id={ID} source=cached grants=3"
        assert audited(chain)[-1] == last


def test_with_a_full_audit_every_grant_is_a_line(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running(tmp_path_factory.mktemp("a"), seed(A="a"), audit="full") as chain:
        chain.store(ID, mapping("A"))
        for _ in range(5):
            chain.look_up(ID)
        assert sum(line.startswith("secret-granted ") for line in audited(chain)) == 5


def test_no_secret_is_in_any_log_whatever_goes_wrong(chain: Chain) -> None:
    name = secret_id(2)
    chain.store(name, mapping("A"))
    chain.store(name, mapping("A") + CANARY.encode())
    chain.store(secret_id(3), mapping("MASKED"))
    assert chain.look_up(name).body == CANARY.encode()
    assert chain.look_up(secret_id(3)).status == 502
    chain.call(ReadSecrets(project="myproject", path="/myapp"))
    send(chain.http, f"GET /lookup/{CANARY} HTTP/1.1\r\n\r\n".encode())
    send(chain.http, CANARY.encode())
    ask(chain.http, "GET", "/metrics")
    for fault in ("cut_body", "invalid_json", "html_200", "reset", "hang_in_body", "wrong_type"):
        chain.broker.stop()
        chain.broker.start()
        chain.infisical.fault(fault, "/api/v4/")
        assert chain.look_up(name).status in {502, 503}
        chain.infisical.clear_faults()
    changed = {"client_id": CLIENT_ID, "client_secret": "another"}
    chain.infisical.control("POST", "identity", changed)
    assert chain.look_up(name).status == 502
    logs = chain.logs()
    assert "secret-denied" in logs
    for secret in (CANARY, CLIENT_SECRET, "eyJ", "Traceback"):
        assert secret not in logs
    assert CANARY.encode() not in ask(chain.http, "GET", "/metrics").body
