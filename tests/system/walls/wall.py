"""A wall: an attempt, what it comes to for each who must not, and somebody who may."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from tests.system.probe.outcome import Attempt, Outcome, refused

SERVICES: Final = ("frontend", "broker", "sealer", "pki")
ONESHOTS: Final = ("setup", "refresh")
NO_NETWORK: Final = ("frontend", "sealer", "pki", "setup", "refresh")
SANDBOXES: Final = (*SERVICES, *ONESHOTS)
UNITS: Final = {name: f"psi-{name}.service" for name in SERVICES} | {
    name: f"psi-infisical-{name}.service" for name in ONESHOTS
}
"""Who tries inside: the unit by its short name. ``uid NAME`` tries outside, as that user."""
ROOT: Final = "uid root"
Results = tuple[Outcome, ...]


@dataclass(frozen=True)
class Wall:
    """One attempt, what it must come to for whom, and who may do it all the same."""

    attempt: Attempt
    walled: Mapping[str, Results]
    twin: str = ROOT
    on_252: Mapping[str, Results] = field(default_factory=dict)
    """Where systemd 252 differs; an empty tuple: it cannot hold this wall."""

    def expected(self, who: str, systemd: int) -> Results:
        """Return what may come of it for somebody."""
        return self.on_252.get(who, self.walled[who]) if systemd < 254 else self.walled[who]


def wall(
    *attempt: Any,
    walled: Mapping[str, Results | str],
    twin: str = ROOT,
    on_252: Mapping[str, Results | str] | None = None,
) -> Wall:
    """Return a wall; an errno's name stands for that refusal, ``A|B`` for either."""
    return Wall(attempt, _results(walled), twin, _results(on_252 or {}))


def all_of(
    names: Iterable[str], result: Results | str, **others: Results | str
) -> Mapping[str, Results | str]:
    """Return the same result for several, and those of others."""
    return {**dict.fromkeys(names, result), **others}


def tried_by(names: Iterable[str], *attempts: Attempt) -> dict[str, list[Attempt]]:
    """Return what several try for no wall."""
    return {name: list(attempts) for name in names}


def _results(of: Mapping[str, Results | str]) -> dict[str, Results]:
    return {
        who: refused(*result.split("|")) if isinstance(result, str) else result
        for who, result in of.items()
    }


def each(*walls: Wall) -> pytest.MarkDecorator:
    """Parametrize a test over who tries what."""
    return pytest.mark.parametrize(
        ("wall", "who"),
        [
            pytest.param(one, who, id=f"{who}: {' '.join(map(str, one.attempt))[:60]}")
            for one in walls
            for who in one.walled
        ],
    )
