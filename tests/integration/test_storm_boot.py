"""A boot: 400 cold lookups in 20 folders at once are 20 listings and one login, no more."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from psi.shared.projection import Source
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed
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
    workload,
)

FOLDERS = [f"/app{number:02}" for number in range(20)]
KEYS = [f"KEY_{number:02}" for number in range(20)]
EVERYTHING = [(path, key) for path in FOLDERS for key in KEYS]
IDS = {secret_id(number): place for number, place in enumerate(EVERYTHING)}
AT_ONCE = 400


def storm_seed() -> Seed:
    project = ProjectSeed(PROJECT_ID, "myproject")
    for path, key in EVERYTHING:
        project.secret("prod", path, key, f"{path}#{key}")
    return Seed([IdentitySeed(CLIENT_ID, CLIENT_SECRET, role="viewer")], [project])


@pytest.fixture
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    workloads = {"myapp": workload(*(Source(project="myproject", path=path) for path in FOLDERS))}
    with running(tmp_path_factory.mktemp("b"), storm_seed(), workloads=workloads) as started:
        for one, (path, key) in IDS.items():
            assert started.store(one, mapping(key, path)).status == 200
        yield started


def storm(chain: Chain) -> None:
    """Look everything up at once, each over a connection of its own, as Podman does."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = {one: pool.submit(chain.look_up, one) for one in IDS}
        for one, (path, key) in IDS.items():
            answer = answers[one].result()
            assert (answer.status, answer.body) == (200, f"{path}#{key}".encode())


def counts(chain: Chain) -> list[int]:
    return [chain.infisical.count(path) for path in (LISTS, LOGINS, SINGLES)]


def test_a_boot_storm_is_one_listing_a_folder_and_one_login(chain: Chain) -> None:
    storm(chain)
    lists, logins, singles = counts(chain)
    assert lists <= len(FOLDERS)
    assert (logins, singles) == (1, 0)


def test_a_storm_that_follows_costs_nothing(chain: Chain) -> None:
    storm(chain)
    chain.infisical.clear_requests()
    storm(chain)
    assert counts(chain) == [0, 0, 0]


def test_a_storm_while_the_login_is_slow_is_still_one(chain: Chain) -> None:
    chain.infisical.fault("hold", LOGINS, times=1)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(storm, chain)
        chain.infisical.wait_held(1)
        chain.infisical.release()
        done.result()
    lists, logins, singles = counts(chain)
    assert lists <= len(FOLDERS)
    assert (logins, singles) == (1, 0)
