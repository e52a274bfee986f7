"""What the whole chain refuses, and how the very driver command tells it."""

import json
from collections.abc import Iterator

import pytest

from tests.unit.broker.chain import Chain, mapping, running, secret_id, seed

ID, KNOWN = secret_id(1), secret_id(2)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    root = tmp_path_factory.mktemp("c")
    with running(root, seed(DB_HOST="db.internal", DB_PORT="5432")) as chain:
        assert chain.store(KNOWN, mapping("DB_HOST")).status == 200
        yield chain


POLICY = "its coordinate is in no workload's sources and not in allow; see psictl apply"
STORES = {
    "no JSON": (b"nojson", "the mapping is not valid JSON; register secrets with psictl setup"),
    "nothing": (b"", "the mapping is not valid JSON; register secrets with psictl setup"),
    "a field twice": (b'{"key": "A", "key": "B"}', "the mapping names a field twice"),
    "an unknown field": (
        json.dumps(json.loads(mapping("DB_HOST")) | {"value": "x"}).encode(),
        "the mapping has an unknown field 'value'",
    ),
    "too large": (mapping("DB_HOST") + b" " * 17_000, "the body is larger than 16384 bytes"),
    "an unknown project": (mapping("STRIPE", "/", "billing"), POLICY),
    "the folder above": (mapping("DB_HOST", "/"), POLICY),
    "the folder below": (mapping("DB_HOST", "/myapp/sub"), POLICY),
    "a sibling of the same start": (mapping("DB_HOST", "/my"), POLICY),
    "traversal": (mapping("K", "/myapp/../other"), "secret path '/myapp/../other' is not valid"),
}


@pytest.mark.parametrize(("payload", "reason"), STORES.values(), ids=STORES.keys())
def test_a_refused_store_says_why_and_leaves_nothing(
    chain: Chain, payload: bytes, reason: str
) -> None:
    ended = chain.drive("store", ID, payload)
    assert (ended.code, ended.value) == (22, b"")
    assert f"psi: {reason}" in ended.said
    assert not (chain.state / ID).exists()
    assert chain.drive("lookup", ID).code == 22


def test_a_store_inside_of_a_source_is_a_file_of_the_brokers_own(chain: Chain) -> None:
    assert chain.drive("store", ID, mapping("DB_PORT")).code == 0
    assert (chain.state / ID).stat().st_mode & 0o777 == 0o600
    assert b"5432" not in (chain.state / ID).read_bytes()
    assert chain.drive("lookup", ID).value == b"5432"
    assert chain.drive("delete", ID).code == 0
    assert not (chain.state / ID).exists()


def test_a_known_id_with_other_content_is_refused(chain: Chain) -> None:
    ended = chain.drive("store", KNOWN, mapping("DB_PORT"))
    assert ended.code == 22
    assert "psi: the id has another mapping; remove the secret and create it anew" in ended.said
    assert chain.drive("lookup", KNOWN).value == b"db.internal"


def test_a_known_id_with_equal_content_is_accepted(chain: Chain) -> None:
    spaced = json.dumps(json.loads(mapping("DB_HOST")), indent=3, sort_keys=True).encode()
    assert chain.drive("store", KNOWN, spaced).code == 0


@pytest.mark.parametrize("name", ["", "x", ID.upper() + "A", "../../etc/passwd", ID + "0"])
@pytest.mark.parametrize("verb", ["lookup", "store", "delete"])
def test_a_malformed_id_is_refused(chain: Chain, verb: str, name: str) -> None:
    ended = chain.drive(verb, name, mapping("DB_HOST"))
    assert (ended.code, ended.value) == (22, b"")


def test_a_stored_file_that_the_configuration_no_longer_permits_is_refused(chain: Chain) -> None:
    (chain.state / secret_id(3)).write_bytes(mapping("STRIPE", "/", "billing"))
    chain.broker.stop()
    chain.broker.start()
    ended = chain.drive("lookup", secret_id(3))
    assert (ended.code, ended.value) == (22, b"")
    assert f"psi: {POLICY}" in ended.said
    assert chain.drive("lookup", KNOWN).value == b"db.internal"


def test_the_count_of_mappings_is_bounded(tmp_path_factory: pytest.TempPathFactory) -> None:
    limits: dict[str, float] = {"mappings": 3}
    with running(tmp_path_factory.mktemp("c"), seed(A="a"), limits=limits) as small:
        for number in range(3):
            assert small.store(secret_id(number), mapping("A")).status == 200
        answer = small.store(secret_id(3), mapping("A"))
        assert answer.status == 503
        assert answer.reason == "3 mappings are stored; run podman secret prune or rm"


def test_with_the_broker_away_a_delete_is_an_error(chain: Chain) -> None:
    chain.broker.stop()
    path = chain.root / "run/psi-ipc/broker-frontend/sock"
    path.rename(path.with_suffix(".away"))
    try:
        ended = chain.drive("delete", KNOWN)
    finally:
        path.with_suffix(".away").rename(path)
        chain.broker.start()
    assert ended.code == 22
    assert "psi: the broker is not reachable" in ended.said
    assert chain.drive("lookup", KNOWN).value == b"db.internal"
