"""One thing that is not as it should be, with the way to mend it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Problem:
    """What a person should do something about."""

    subject: str
    """A unit or a path."""
    what: str
    remedy: str
    down: bool = False
    """Whether something that should run does not."""

    def __str__(self) -> str:
        return f"{self.subject} {self.what}: {self.remedy}"

    def fields(self) -> dict[str, Any]:
        """Return what ``--json`` shows."""
        return {
            "subject": self.subject, "what": self.what, "remedy": self.remedy, "down": self.down
        }  # fmt: skip  # one row, one object
