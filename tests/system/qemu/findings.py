"""What the guest said: for each claim the facts that it saw, or why it could not look."""

import json
from typing import Any, Final

END: Final = "end"
"""The claim that a stage says last."""
JOURNAL: Final = "journal"


class Findings:
    """The facts of one boot, by claim."""

    def __init__(self, said: str, console: str) -> None:
        self._claims: dict[str, dict[str, Any]] = {}
        for line in said.splitlines():
            claim = json.loads(line)
            self._claims[claim.pop("claim")] = claim
        self._console = console

    def __getitem__(self, claim: str) -> dict[str, Any]:
        """Return the facts of a claim; fails the test where there are none, and says why."""
        facts = self._claims.get(claim)
        if facts is None:
            end = self._claims.get(END, {"error": f"it said nothing more; {self._console}"})
            raise AssertionError(f"the guest said nothing of {claim}: {end.get('error')}")
        if "error" in facts:
            raise AssertionError(f"{claim}: {facts['error']}\n{self.journal[-6000:]}")
        return facts

    @property
    def journal(self) -> str:
        """The end of the guest's journal."""
        return str(self._claims.get(JOURNAL, {}).get("text", "(no journal)"))
