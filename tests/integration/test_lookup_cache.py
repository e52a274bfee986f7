"""How often Infisical is asked, with the cache and without, and what an outage does."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from psi.shared.projection import Coordinate, Source
from tests.unit.broker.chain import (
    CLIENT_ID,
    CLIENT_SECRET,
    LISTS,
    LOGINS,
    PROJECT_ID,
    SINGLES,
    Chain,
    mapping,
    running,
    secret_id,
    seed,
    workload,
)

KEYS = {f"KEY_{number:02}": f"value {number}" for number in range(40)}
IDS = {key: secret_id(number) for number, key in enumerate(KEYS)}
Start = Callable[..., Chain]


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    with ExitStack() as stack:

        def starting(**fields: Any) -> Chain:
            root = tmp_path_factory.mktemp("c")
            chain = stack.enter_context(running(root, seed(**KEYS), **fields))
            for key, name in IDS.items():
                assert chain.store(name, mapping(key)).status == 200
            return chain

        yield starting


def counts(chain: Chain) -> tuple[int, int, int]:
    """Return how many listings, single reads and logins Infisical saw."""
    return tuple(chain.infisical.count(path) for path in (LISTS, SINGLES, LOGINS))  # type: ignore[return-value]  # three


def all_right(chain: Chain) -> bool:
    return all(chain.look_up(name).body == KEYS[key].encode() for key, name in IDS.items())


def test_with_memory_forty_lookups_twice_are_one_listing_and_one_login(start: Start) -> None:
    chain = start()
    assert all_right(chain)
    assert all_right(chain)
    assert counts(chain) == (1, 0, 1)


def test_without_a_cache_each_lookup_is_one_get(start: Start) -> None:
    chain = start(cache="none")
    assert all_right(chain)
    assert all_right(chain)
    assert counts(chain) == (0, 80, 1)


def test_fifty_cold_lookups_at_once_are_one_listing_and_one_login(start: Start) -> None:
    chain = start()
    chain.infisical.fault("hold", LISTS, times=1)
    names = [*IDS.values(), *list(IDS.values())[:10]]
    with ThreadPoolExecutor(50) as pool:
        answers = [pool.submit(chain.look_up, name) for name in names]
        chain.infisical.wait_held(1)
        chain.infisical.release()
        assert all(answer.result().status == 200 for answer in answers)
    assert counts(chain) == (1, 0, 1)


def test_a_role_that_may_not_list_is_served_one_by_one(start: Start) -> None:
    chain = start()
    chain.infisical.control("POST", "identity", {"client_id": CLIENT_ID, "role": "list-denied"})
    assert all_right(chain)
    chain.infisical.clear_requests()
    assert all_right(chain)
    assert counts(chain) == (0, 0, 0)


def test_an_allowed_key_beside_the_sources_is_got_alone(start: Start) -> None:
    allowed = Coordinate(project="myproject", path="/shared", key="K")
    chain = start(allow=[allowed])
    chain.infisical.set_secret(PROJECT_ID, "prod", "/shared", "K", "shared")
    assert chain.store(secret_id(99), mapping("K", "/shared")).status == 200
    assert chain.look_up(secret_id(99)).body == b"shared"
    assert counts(chain)[:2] == (0, 1)


def test_a_key_that_infisical_lacks_is_a_404_with_its_reason(start: Start) -> None:
    chain = start()
    assert chain.store(secret_id(99), mapping("GONE")).status == 200
    answer = chain.look_up(secret_id(99))
    assert answer.status == 404
    assert answer.reason == "GONE is not in its folder; restore it or run psictl setup"


def test_a_folder_that_infisical_lacks_is_a_404_with_its_reason(start: Start) -> None:
    sources = [Source(project="myproject", path=path) for path in ("/myapp", "/gone")]
    chain = start(workloads={"myapp": workload(*sources)})
    assert chain.store(secret_id(99), mapping("K", "/gone")).status == 200
    answer = chain.look_up(secret_id(99))
    assert answer.status == 404
    assert "/gone" in answer.reason


def test_a_miss_ends_at_its_deadline_with_its_cause(start: Start) -> None:
    chain = start(limits={"miss_seconds": 0.5})
    chain.infisical.fault("hold", LISTS, times=1)
    answer = chain.look_up(IDS["KEY_00"])
    assert (answer.status, answer.reason) == (503, "Infisical did not answer within 0.5 s")
    chain.infisical.release()
    assert all_right(chain)


def test_what_is_cached_is_served_without_infisical_and_the_rest_says_why(start: Start) -> None:
    sources = [Source(project="myproject", path=path) for path in ("/myapp", "/cold")]
    chain = start(workloads={"myapp": workload(*sources)})
    assert chain.store(secret_id(99), mapping("K", "/cold")).status == 200
    assert all_right(chain)
    chain.infisical.stop()
    assert all_right(chain)
    answer = chain.look_up(secret_id(99))
    assert answer.status == 503
    assert "refuses the connection; check that Infisical runs" in answer.reason
    chain.infisical.start()


def test_wrong_credentials_are_tried_once_and_told(start: Start) -> None:
    chain = start()
    changed = {"client_id": CLIENT_ID, "client_secret": "another"}
    chain.infisical.control("POST", "identity", changed)
    for name in list(IDS.values())[:5]:
        answer = chain.look_up(name)
        assert answer.status == 502
        assert "credential" in answer.reason
    assert counts(chain) == (0, 0, 1)
    assert CLIENT_SECRET not in chain.logs()
