"""What a name means that a value is dropped by, with Infisical there and without."""

import pytest

from psi.shared.errors import ConfigError
from psi.shared.messages import broker as b
from psi.shared.messages.base import Refused
from psi.shared.projection import Coordinate
from psictl.cache.naming import coordinate_text, parse_coordinate, request_for
from psictl.client import BrokerClient
from tests.fakes.broker.host import Host
from tests.fakes.broker.world import discovered

ID = "a" * 25


def _meant(client: BrokerClient, name: str) -> str:
    return request_for(client, name)[1]


@pytest.mark.parametrize(
    ("text", "path", "key"),
    [
        ("main:/#KEY", "/", "KEY"),
        ("main:/app#KEY", "/app", "KEY"),
        ("main:/app/db#KEY", "/app/db", "KEY"),
        ("main:/app/db#a#b", "/app/db", "a#b"),
        ("main:/a#b/c#KEY", "/a#b/c", "KEY"),
        ("main:/a:b#KEY", "/a:b", "KEY"),
    ],
)
def test_a_coordinate_is_read(text: str, path: str, key: str) -> None:
    found = parse_coordinate(text)
    assert (found.project, found.path, found.key) == ("main", path, key)
    assert coordinate_text(found) == text


@pytest.mark.parametrize(
    "text",
    ["main:", "main:KEY", "main:/app", "main:/app#", "main:app#K", ":/app#K", "main:/../x#K",
     "main://x#K", "main:/app/#K\n"],
)  # fmt: skip  # words
def test_what_is_no_coordinate_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_coordinate(text)


def test_a_workloads_own_source_is_meant(host: Host, client: BrokerClient) -> None:
    host.world.add("a", discovered("K", path="/a"))
    host.world.add("b", discovered("K", path="/b"))
    assert _meant(client, "b--K") == "main:/b#K"


def test_a_workload_may_have_dashes_in_its_name(host: Host, client: BrokerClient) -> None:
    host.world.add("a", discovered("x", path="/a"))
    host.world.add("a--b", discovered("K", path="/b"))
    assert _meant(client, "a--b--K") == "main:/b#K"


def test_with_infisical_down_what_is_registered_tells(host: Host, client: BrokerClient) -> None:
    host.world.add("a")
    host.broker.answers[b.Discover] = lambda _: Refused(code="unreachable", detail="down")
    host.world.mappings = {ID: Coordinate(project="main", path="/a", key="K")}
    assert _meant(client, "a--K") == "main:/a#K"


def test_a_key_that_left_its_source_is_found_by_its_mapping(
    host: Host, client: BrokerClient
) -> None:
    host.world.add("a", discovered("OTHER"))
    host.world.mappings = {ID: Coordinate(project="main", path="/a", key="K")}
    assert _meant(client, "a--K") == "main:/a#K"


def test_one_of_several_mappings_is_not_guessed(host: Host, client: BrokerClient) -> None:
    host.world.add("a")
    host.world.mappings = {
        ID: Coordinate(project="main", path="/a", key="K"),
        "b" * 25: Coordinate(project="main", path="/b", key="K"),
    }
    with pytest.raises(ConfigError, match=r"may be any of main:/a#K, main:/b#K"):
        request_for(client, "a--K")


def test_two_ids_of_one_mapping_are_one(host: Host, client: BrokerClient) -> None:
    host.world.add("a")
    same = Coordinate(project="main", path="/a", key="K")
    host.world.mappings = {ID: same, "b" * 25: same}
    assert _meant(client, "a--K") == "main:/a#K"


@pytest.mark.parametrize("name", ["a--", "a", "--K", "ab--K", "A--K", "a--NONE"])
def test_a_name_of_no_secret_is_refused(host: Host, client: BrokerClient, name: str) -> None:
    host.world.add("a", discovered("K"))
    with pytest.raises(ConfigError, match="WORKLOAD--KEY"):
        request_for(client, name)
