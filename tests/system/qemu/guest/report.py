"""What the guest has seen, told to the tests outside: one JSON object a line."""

import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Report:
    """Writes facts to the virtio port; each claim once."""

    def __init__(self, port: Path) -> None:
        self._port = port.open("w", encoding="utf-8", buffering=1)

    def say(self, claim: str, **facts: Any) -> None:
        """Tell the facts of a claim."""
        self._port.write(json.dumps({"claim": claim, **facts}) + "\n")

    def look(self, claim: str, look: Callable[[], dict[str, Any]]) -> None:
        """Tell what a look returns; or that it failed, and go on with the next."""
        began = time.monotonic()
        try:
            self.say(claim, **look(), took=round(time.monotonic() - began, 1))
        except Exception:  # noqa: BLE001  # whatever it is, the test outside has to hear of it
            self.say(claim, error=traceback.format_exc())

    def need(self, claim: str, step: Callable[[], dict[str, Any]]) -> None:
        """Tell what a step returns; where it fails, nothing after it is worth a try."""
        began = time.monotonic()
        try:
            self.say(claim, **step(), took=round(time.monotonic() - began, 1))
        except Exception:
            self.say(claim, error=traceback.format_exc())
            raise
