"""Rows 3, 5, 20 and 21: who reaches which network."""

from tests.system.probe.outcome import Attempt, got
from tests.system.walls.places import ABSTRACT, ALLOWED, FREE_PORT, OTHER, PORT
from tests.system.walls.wall import NO_NETWORK, SANDBOXES, Wall, all_of, each, wall
from tests.system.walls.walled import Walled

NO_FAMILY = "EAFNOSUPPORT"
ROW_3_AND_5 = [
    *(
        wall("family", "AF_INET", kind, walled=all_of(NO_NETWORK, NO_FAMILY))
        for kind in ("SOCK_STREAM", "SOCK_DGRAM")
    ),
    wall("family", "AF_INET6", "SOCK_STREAM", walled=all_of(NO_NETWORK, NO_FAMILY)),
    *(
        wall("family", name, kind, walled=all_of(SANDBOXES, NO_FAMILY))
        for name, kind in (
            ("AF_NETLINK", "SOCK_RAW"),
            ("AF_PACKET", "SOCK_RAW"),
            ("AF_VSOCK", "SOCK_STREAM"),
        )
    ),
    wall("interfaces", walled=all_of(NO_NETWORK, got(["lo"]))),
    wall("abstract", ABSTRACT, walled=all_of(NO_NETWORK, "ECONNREFUSED")),
]
ROW_20 = [
    wall(
        "bind",
        "0.0.0.0",  # noqa: S104  # what must not succeed
        FREE_PORT,
        walled={"broker": "EPERM"},
        on_252={"broker": got("bound")},
    ),
]
ROW_21 = [
    wall("reach", OTHER, PORT, walled={"broker": "TimeoutError"}),
    wall("udp", OTHER, PORT, walled={"broker": "EPERM"}),
]
REACHED = ("reach", ALLOWED, PORT)
WALLS: list[Wall] = [*ROW_3_AND_5, *ROW_20, *ROW_21]
TRIED: dict[str, list[Attempt]] = {"broker": [REACHED]}


@each(*ROW_3_AND_5)
def test_03_05_no_one_but_the_broker_has_a_network(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)


@each(*ROW_20)
def test_20_the_broker_binds_no_port(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)


@each(*ROW_21)
def test_21_the_broker_reaches_no_other_address(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)


def test_21_the_broker_reaches_the_address_of_its_configuration(walled: Walled) -> None:
    assert walled.came_of("broker", REACHED).got == "connected"
