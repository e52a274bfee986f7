"""A mapping: what Podman keeps as a secret's payload, the coordinate of its value.

A sealed local secret's mapping is ``{"provider": "sealed", "name": NAME}``.

Equal means equal after parsing, so white space and key order do not matter, and a missing
provider is ``infisical``.
"""

import json
from typing import Any, NamedTuple

from psi.shared.errors import InvalidName
from psi.shared.limits import BODY_BYTES
from psi.shared.names import (
    parse_alias,
    parse_environment_name,
    parse_key,
    parse_secret_path,
    printable,
)

_FIELDS = {"provider", "project", "path", "key"}
_SEALED_FIELDS = {"provider", "name"}


class Coordinate(NamedTuple):
    """Where a value lives, in the configuration's own names."""

    project: str
    path: str
    key: str

    def __str__(self) -> str:
        return printable(f"{self.project}:{self.path}#{self.key}", 200)


class SealedName(NamedTuple):
    """The name of a local secret that the broker keeps encrypted."""

    name: str

    def __str__(self) -> str:
        return f"sealed:{self.name}"


Target = Coordinate | SealedName
"""What a mapping may name."""


class BadMapping(ValueError):
    """The payload is no mapping; the text says why."""


def parse_mapping(payload: bytes) -> Target:
    """Return what a mapping's JSON names; raises BadMapping.

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
    return _sealed(fields) if fields.get("provider") == "sealed" else _coordinate(fields)


def encode_mapping(target: Target) -> bytes:
    """Return the JSON that stands in a mapping file."""
    provider = "sealed" if isinstance(target, SealedName) else "infisical"
    return json.dumps({"provider": provider, **target._asdict()}).encode()


def _sealed(fields: dict[str, Any]) -> SealedName:
    if set(fields) != _SEALED_FIELDS or not isinstance(fields["name"], str):
        raise BadMapping("a sealed mapping has a provider and a name, and no more")
    try:
        return SealedName(parse_environment_name(fields["name"]))
    except InvalidName as error:
        raise BadMapping(printable(str(error), 180)) from None


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
