"""What an attempt of the probe came to."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Attempt = tuple[str | int | float, ...]
"""A verb of the probe and its arguments."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was got, or the name of the error that it was refused with."""

    got: Any = None
    refused: str = ""

    def __str__(self) -> str:
        return self.refused or f"{self.got!r}"[:200]


def refused(*names: str) -> tuple[Outcome, ...]:
    """Return the outcomes of a refusal by one of these errors."""
    return tuple(Outcome(refused=name) for name in names)


def got(value: Any) -> tuple[Outcome, ...]:
    """Return the outcome of an attempt that got just this."""
    return (Outcome(got=value),)


class Outcomes:
    """All outcomes of one run of the probe, by attempt."""

    def __init__(self, who: str, lines: Iterable[str]) -> None:
        """Read the probe's lines; programs that it started may have written others."""
        self.who = who
        self._found: dict[str, Outcome] = {}
        for line in lines:
            if line.startswith('{"attempt":'):
                entry = json.loads(line)
                outcome = Outcome(entry.get("got"), entry.get("refused", ""))
                self._found[json.dumps(entry["attempt"])] = outcome

    def of(self, attempt: Attempt) -> Outcome:
        """Return an attempt's outcome.

        Raises:
            AssertionError: when the run did not come to it.

        """
        key = json.dumps(list(attempt))
        assert key in self._found, f"{self.who} did not try {key}; it tried {len(self._found)}"
        return self._found[key]


Plans = Mapping[str, Iterable[Attempt]]
"""Who tries what."""


def without_repeats(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Return each attempt once, in order."""
    return list(dict.fromkeys(attempts))
