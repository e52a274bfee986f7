"""The log of API requests that tests read back."""

import base64
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.fakes.infisical.messages import Request


@dataclass(slots=True)
class Entry:
    """One request; `status` is null while it is unanswered or when nothing was answered."""

    method: str
    path: str
    query: dict[str, Any]
    time: float
    client_id: str | None
    route: str | None
    status: int | None = None
    fault: str | None = None
    body: bytes = b""


@dataclass(slots=True)
class RequestLog:
    """All API requests since the start or the last clear, oldest first."""

    entries: list[Entry] = field(default_factory=list)

    def begin(
        self, request: Request, time: float, client_id: str | None, route: str | None
    ) -> Entry:
        """Note a request as soon as it was read, so that a hung one can be seen too."""
        entry = Entry(request.method, request.path, request.query, time, client_id, route)
        entry.body = request.body
        self.entries.append(entry)
        return entry

    def to_list(self) -> list[dict[str, Any]]:
        """Return the entries as JSON objects, without the bodies."""
        shapes = [asdict(entry) for entry in self.entries]
        for shape in shapes:
            del shape["body"]
        return shapes

    def bodies(self) -> list[dict[str, str]]:
        """Return what was sent in each request, in base64."""
        return [
            {"path": entry.path, "body": base64.b64encode(entry.body).decode()}
            for entry in self.entries
        ]

    def counters(self) -> dict[str, int]:
        """Return how many requests each route got; unknown routes are counted together."""
        return dict(Counter(entry.route or "unknown" for entry in self.entries))

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
