"""Rows 1, 2 and 26: whose files and folders are whose."""

import re

import pytest

from tests.system.probe.outcome import Attempt
from tests.system.walls.sandbox import SHIPPED
from tests.system.walls.wall import (
    SANDBOXES,
    SERVICES,
    UNITS,
    Wall,
    all_of,
    each,
    tried_by,
    wall,
)
from tests.system.walls.walled import Walled

CONFIG = "/etc/psi/config.yaml"
GENERATION = "/var/lib/psi-config/current"
CREDENTIALS = {
    "broker": "/run/credentials/psi-broker.service/config.json",
    "sealer": "/run/credentials/psi-sealer.service/host-secret",
}
GIVEN = {"broker": ["config.json"], "sealer": ["config.json", "host-secret"]}
"""Who is given which credentials; the others get none."""
STATE = "/var/lib/psi-pki"
KEY = f"{STATE}/key"
KEY_TEXT = "what stands for a private key"
CHAINED = (*SERVICES, "refresh")
"""Who sees a tree of its own; setup sees the host's."""
USERS = tuple(f"uid psi-{name}" for name in SERVICES)


def _others(name: str) -> tuple[str, ...]:
    return tuple(who for who in (*CHAINED, *USERS) if who not in {name, f"uid psi-{name}"})


ROW_1 = [
    # The broker sees /etc, for its certificates and name servers: this is shut off in it.
    wall("read", CONFIG, walled=all_of(CHAINED, "ENOENT") | all_of((*USERS, "broker"), "EACCES")),
    *(
        wall(
            "read",
            f"{GENERATION}/{name}",
            walled=all_of(CHAINED, "ENOENT") | all_of(USERS, "EACCES"),
        )
        for name in ("broker.json", "sealer.json", "../host-secret")
    ),
]
ROW_2 = [
    wall(
        "read",
        path,
        walled={who: "EACCES" if who.startswith("uid ") else "ENOENT" for who in _others(owner)}
        | {"setup": "EACCES", "uid nobody": "EACCES"},
        twin=owner,
    )
    for owner, path in CREDENTIALS.items()
]
STRANGERS = ("uid psi-frontend", "uid psi-broker", "uid psi-sealer", "uid nobody")
ROW_26 = [
    *(
        # Systemd leaves an empty folder where it put a service's state below the root folder.
        wall(
            "create",
            f"{place}/probe",
            walled={"pki": "ENOENT|EROFS", "uid psi-pki": "EACCES"},
            twin=who,
        )
        for who, place in {
            "broker": "/var/lib/psi",
            "sealer": "/var/lib/psi-sealer",
            "setup": "/etc/containers/systemd",
        }.items()
    ),
    *(
        wall("create", f"{place}/probe", walled={"pki": error, "uid psi-pki": "EACCES"})
        for place, error in {
            "/etc/ssl/certs": "ENOENT",
            "/etc": "EROFS",
            "/usr": "EROFS",
            "/var/lib": "EROFS",
        }.items()
    ),
    wall("read", KEY, walled=all_of(STRANGERS, "EACCES")),
    wall("append", KEY, walled=all_of(STRANGERS, "EACCES")),
    wall("list", STATE, walled=all_of(STRANGERS, "EACCES")),
    wall("create", f"{STATE}/probe", walled=all_of(STRANGERS, "EACCES")),
]
WALLS: list[Wall] = [*ROW_1, *ROW_2, *ROW_26]
TRIED: dict[str, list[Attempt]] = tried_by(SANDBOXES, ("credentials",)) | {
    "pki": [("credentials",), ("keep", KEY, KEY_TEXT)]
}


@each(*ROW_1)
def test_01_no_service_reads_the_configuration(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)


def test_01_what_is_secret_in_etc_is_covered_for_the_broker(walled: Walled) -> None:
    """Also where permissions would let it read: it has the rest of /etc for its certificates."""
    unit = (SHIPPED / UNITS["broker"]).read_text()
    covered = re.findall(r"^InaccessiblePaths=-\+(/etc/\S+)$", unit, re.MULTILINE)
    listed = walled.host.shell(f"ls -d {' '.join(covered)} 2>/dev/null || :").stdout.split()
    mounts: dict[str, list[str]] = walled.came_of("broker", ("mounts",)).got
    assert {"/etc/psi", "/etc/shadow", "/etc/credstore.encrypted"} <= set(listed)
    assert set(listed) <= mounts.keys()


@each(*ROW_2)
def test_02_no_one_reads_anothers_credentials(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)


@pytest.mark.parametrize("who", SANDBOXES)
def test_02_each_is_given_its_own_credentials_alone(walled: Walled, who: str) -> None:
    assert walled.came_of(who, ("credentials",)).got == GIVEN.get(who, [])


@each(*ROW_26)
def test_26_pki_writes_nowhere_else_and_no_one_else_there(
    walled: Walled, wall: Wall, who: str
) -> None:
    walled.check(wall, who)


def test_26_pki_writes_its_own_folder(walled: Walled) -> None:
    assert walled.came_of("pki", ("keep", KEY, KEY_TEXT)).got == "written"
    assert walled.came_of("uid root", ("read", KEY)).got == KEY_TEXT
