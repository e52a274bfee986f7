"""Row 27: no secret in what systemd shows, in the journal, or in a process's words.

The search itself is proven on a word that is planted wherever it looks.
"""

import json
from collections.abc import Iterator

import pytest

from tests.system.host import Host
from tests.system.walls.places import CANARIES
from tests.system.walls.walled import Walled

PLANTED = "planted-canary-77b2"
PLANT = "probe-plant.service"
UNITS = ("psi*", "podman*", PLANT)
# The search's own words are a process's too: they come by stdin.
_SHOW = "systemctl show --all 'psi*' 'podman*' 'probe-plant.service'"
_CAT = "systemctl cat 'psi*' 'probe-plant.service'"
_JOURNAL = "journalctl --boot --output=export --all --no-pager"
_WORDS = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null || :"
PLACES = {
    "what systemd shows of the units": _SHOW,
    "the unit files": _CAT,
    "the journal with all its fields": _JOURNAL,
    "the arguments and environments of all processes": _WORDS,
}


@pytest.fixture(scope="module")
def read(walled: Walled) -> Iterator[dict[str, str]]:
    """Read all places once, with a unit running that has a canary in each of them."""
    host = walled.host
    host.write(
        f"/run/systemd/system/{PLANT}",
        f"[Service]\nEnvironment=PLANTED={PLANTED}\n"
        f"ExecStart=/bin/sh -c 'echo {PLANTED}; exec sleep infinity'\n",
    )
    host.systemctl("daemon-reload")
    host.systemctl("start", PLANT)
    host.wait(lambda: PLANTED in host.journal(PLANT), "the planted canary in the journal")
    yield {name: host.shell(script).stdout for name, script in PLACES.items()}
    host.systemctl("stop", PLANT)
    host.run(["rm", f"/run/systemd/system/{PLANT}"])
    host.systemctl("daemon-reload")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("canary", CANARIES)
def test_27_no_secret_is_there(read: dict[str, str], place: str, canary: str) -> None:
    assert canary not in read[place]


@pytest.mark.parametrize("place", PLACES)
def test_27_the_same_search_finds_what_is_there(read: dict[str, str], place: str) -> None:
    assert PLANTED in read[place]


def test_27_the_secrets_were_used(walled: Walled) -> None:
    """Else there would be nothing to find."""
    walled.host.psictl("infisical", "login")
    assert served(walled.host) == {"myapp--DB_PASSWORD", "BOOT"}
    status = json.loads(walled.host.psictl("status", "--json", check=False).stdout)
    assert [identity["state"] for identity in status["broker"]["identities"]] == ["valid"]


def served(host: Host) -> set[str]:
    """Return the names of the secrets whose lookup gives a canary."""
    listed = host.run(["podman", "secret", "ls", "--format", "{{.ID}} {{.Name}}"]).stdout
    ids = dict(line.split() for line in listed.splitlines())
    return {
        name
        for secret_id, name in ids.items()
        if host.run([*CURL, f"http://localhost/lookup/{secret_id}"]).stdout in CANARIES
    }


CURL = ("curl", "-q", "-sS", "-f", "--unix-socket", "/run/psi/psi.sock")
