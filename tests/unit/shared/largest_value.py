"""The largest legal value of a type, built from nothing but its constraints.

Where a pattern does not forbid it, text is made of characters of four bytes in UTF-8, so that
what is counted in characters is as many bytes as it can be.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import msgspec
from msgspec import inspect as types

from psi.shared.secret import DATA_KEY_BYTES, MAX_SECRET_BYTES, DataKey, SecretBytes

_FOUR_BYTES = "\U0001f511"
_regex: Any = import_module("re._parser")
"""The tree of a pattern (CPython, Lib/re/_parser.py): it alone tells its longest match."""


def largest(kind: types.Type) -> Any:
    """Return the largest value that decodes as a type, as what msgspec encodes it from."""
    builder = _BUILDERS.get(type(kind))
    assert builder is not None, f"teach this builder about {kind}"
    return builder(kind)


def _member(kind: types.UnionType) -> Any:
    members = [each for each in kind.types if not isinstance(each, types.NoneType)]
    assert len(members) == 1, kind
    return largest(members[0])


def _struct(kind: types.StructType) -> Any:
    return kind.cls(**{field.name: largest(field.type) for field in kind.fields})


def _custom(kind: types.CustomType) -> SecretBytes:
    lengths = {SecretBytes: MAX_SECRET_BYTES, DataKey: DATA_KEY_BYTES}
    assert kind.cls in lengths, kind
    made: SecretBytes = kind.cls(b"\xff" * lengths[kind.cls])
    return made


def _text(kind: types.StrType) -> str:
    """Return the largest text in bytes: within the length, and what the pattern allows."""
    characters = bound(kind.max_length)
    if kind.pattern is None:
        return _FOUR_BYTES * characters
    return _longest(_regex.parse(kind.pattern), characters)


_BUILDERS: dict[type[types.Type], Callable[[Any], Any]] = {
    types.Metadata: lambda kind: largest(kind.type),
    types.StrType: _text,
    types.BytesType: lambda kind: b"\xff" * bound(kind.max_length),
    types.IntType: lambda kind: bound(kind.le),
    types.FloatType: lambda kind: float(bound(kind.le)),
    types.BoolType: lambda _: True,
    types.LiteralType: lambda kind: max(kind.values, key=lambda value: len(str(value))),
    types.ListType: lambda kind: [largest(kind.item_type)] * bound(kind.max_length),
    types.UnionType: _member,
    types.StructType: _struct,
    types.CustomType: _custom,
}


def bound(limit: float | None) -> int:
    """Return an upper bound that a type must have."""
    assert limit is not None
    return int(limit)


def _longest(tree: Any, room: int) -> str:
    text = ""
    for operation, argument in tree:
        match str(operation):
            case "LITERAL":
                text += chr(argument)
            case "ANY" | "NOT_LITERAL":
                text += _FOUR_BYTES
            case "IN":
                text += _character(argument)
            case "SUBPATTERN":
                text += _longest(argument[3], room)
            case "BRANCH":
                text += max((_longest(each, room) for each in argument[1]), key=len)
            case "MAX_REPEAT":
                _, most, repeated = argument
                once = _longest(repeated, room)
                text += once * min(int(most), room // max(len(once), 1))
            case "AT":
                pass
            case other:
                raise AssertionError(f"teach this builder about {other}")
    return text


def _character(choices: Any) -> str:
    """Return a character of a set, the widest that it names."""
    if str(choices[0][0]) == "NEGATE":
        return _FOUR_BYTES
    tops = [value[1] if str(name) == "RANGE" else value for name, value in choices]
    return chr(max(tops))


def largest_of(struct: type[msgspec.Struct]) -> Any:
    """Return the largest legal value of a struct."""
    return largest(types.type_info(struct))
