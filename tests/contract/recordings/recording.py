"""The recordings as data."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Recording:
    """One request and what the real server answered; `name` is the file's."""

    name: str
    method: str
    path: str
    query: dict[str, str]
    request_headers: dict[str, str]
    request_body: Any
    status: int
    reason: str
    response_headers: dict[str, str]
    response_body: Any

    @property
    def number(self) -> str:
        """The part of the name before the first dash."""
        return self.name.partition("-")[0]


def _load(file: Path) -> Recording:
    kept = json.loads(file.read_text(encoding="utf-8"))
    fields = {name: kept[name] for name in Recording.__dataclass_fields__ if name != "name"}
    return Recording(name=file.stem, **fields)


def all_recordings() -> list[Recording]:
    """Return every recording, in the order in which they were taken."""
    return [_load(file) for file in sorted(FOLDER.glob("*.json"))]
