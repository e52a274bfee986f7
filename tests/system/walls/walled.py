"""A host on which everybody has tried everything: what came of it is asked by the tests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.system.host import Host
from tests.system.probe.outcome import Attempt, Outcome, Outcomes
from tests.system.probe.runs import ProbeRuns
from tests.system.stage import Stage
from tests.system.walls.wall import Wall

_DENIED = ("access denied", "authentication required", "permission denied")


@dataclass
class Walled:
    """The host, and what came of each attempt of everybody."""

    host: Host
    stage: Stage
    runs: ProbeRuns
    places: Mapping[str, str]
    """What stands for a name of walls/places.py on this host."""
    found: dict[str, Outcomes] = field(default_factory=dict)
    shipped: dict[str, dict[str, str]] = field(default_factory=dict)
    probed: dict[str, dict[str, str]] = field(default_factory=dict)
    """What systemd says of each unit, with its own program and with the probe."""
    device_list_with_credential: str = ""
    """What the broker's unit may open when it has an encrypted credential."""

    def here(self, attempt: Attempt) -> Attempt:
        """Return an attempt with this host's addresses and numbers."""
        return tuple(self._here(word) if isinstance(word, str) else word for word in attempt)

    def _here(self, word: str) -> str:
        for name, value in self.places.items():
            word = word.replace(name, value)
        return word

    def came_of(self, who: str, attempt: Attempt) -> Outcome:
        """Return what came of somebody's attempt.

        Raises:
            AssertionError: when nobody of that name tried it.

        """
        assert who in self.found, f"{who} has tried nothing"
        return self.found[who].of(self.here(attempt))

    def check(self, wall: Wall, who: str) -> None:
        """Hold a wall against what came of the attempt, and of its twin's.

        Raises:
            AssertionError: when it did not hold; or when nobody else could do it either, so that
                it shows nothing.

        """
        expected = wall.expected(who, self.host.suite.systemd)
        outcome, twin = self.came_of(who, wall.attempt), self.came_of(wall.twin, wall.attempt)
        wanted = " or ".join(map(str, expected))
        assert outcome in expected, f"{who}: {wall.attempt}: {outcome} instead of {wanted}"
        assert not twin.refused, f"{wall.twin} cannot either: {wall.attempt}: {twin}"
        if outcome.refused or who not in wall.on_252:
            assert twin != outcome, f"{wall.twin} gets no more: {wall.attempt}: {twin}"

    def denied(self, argv: Sequence[str], *, user: str = "root") -> None:
        """Run a command that asks systemd for something, as a user of the host.

        Raises:
            AssertionError: when systemd does it, or when it fails for another reason.

        """
        done = self.host.run(argv, user=user, check=False)
        assert done.returncode != 0, f"systemd does it for {user}: {' '.join(argv)}"
        told = (done.stdout + done.stderr).lower()
        assert any(words in told for words in _DENIED), told

    def uid_of(self, service: str) -> int:
        """Return the number of a service's user."""
        return int(self.host.run(["id", "-u", f"psi-{service}"]).stdout)

    def protocol_errors(self, server: str = "broker") -> int:
        """Return how many connections a service has closed for what was said on them."""
        status = json.loads(self.host.psictl("status", "--json", check=False).stdout)
        return int(status[server]["protocol_errors"])

    def closed_lines(self, server: str = "broker") -> list[str]:
        """Return the log lines of such connections."""
        journal = self.host.journal(f"psi-{server}.service")
        return [line for line in journal.splitlines() if "peer.closed" in line]
