"""A mapping: what Podman keeps as a secret's payload, the coordinate of its value.

Equal means equal after parsing, so white space and key order do not matter, and a missing
provider is ``infisical``.
"""

import json
from typing import Any, NamedTuple

from psi.shared.errors import InvalidName
from psi.shared.limits import BODY_BYTES
from psi.shared.names import parse_alias, parse_key, parse_secret_path, printable

_FIELDS = {"provider", "project", "path", "key"}


class Coordinate(NamedTuple):
    """Where a value lives, in the configuration's own names."""

    project: str
    path: str
    key: str

    def __str__(self) -> str:
        return printable(f"{self.project}:{self.path}#{self.key}", 200)


class BadMapping(ValueError):
    """The payload is no mapping; the text says why."""


def parse_mapping(payload: bytes) -> Coordinate:
    """Return the coordinate of a mapping's JSON; raises BadMapping.

    Duplicate keys are refused: parsers differ in which of two they keep.
    """
    if len(payload) > BODY_BYTES:
        raise BadMapping(f"the mapping is larger than {BODY_BYTES} bytes")
    try:
        fields = json.loads(payload.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, BadMapping) else "the mapping is not valid JSON"
        raise BadMapping(reason) from None
    if not isinstance(fields, dict):
        raise BadMapping("the mapping is not a JSON object")
    return _coordinate(fields)


def encode_mapping(coordinate: Coordinate) -> bytes:
    """Return the JSON that stands in a mapping file."""
    return json.dumps({"provider": "infisical", **coordinate._asdict()}).encode()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadMapping("the mapping names a field twice")
    return fields


def _coordinate(fields: dict[str, Any]) -> Coordinate:
    unknown = sorted(set(fields) - _FIELDS)
    if unknown:
        raise BadMapping(f"the mapping has an unknown field {printable(unknown[0], 40)!r}")
    if fields.get("provider", "infisical") != "infisical":
        raise BadMapping("the mapping's provider is not infisical")
    for name in ("project", "path", "key"):
        if not isinstance(fields.get(name), str):
            raise BadMapping(f"the mapping's {name} is missing or not a string")
    try:
        return Coordinate(
            parse_alias(fields["project"]),
            parse_secret_path(fields["path"]),
            parse_key(fields["key"]),
        )
    except InvalidName as error:
        raise BadMapping(printable(str(error), 180)) from None
