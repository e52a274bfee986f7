"""What holds for every message and projection type, whoever adds the next one."""

import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect as types

from psi.shared.framing import HEADER_BYTES, pack
from psi.shared.limits import REPLY_FRAME_BYTES, REQUEST_FRAME_BYTES
from psi.shared.messages.base import Message, Reply, Request
from psi.shared.messages.broker import StoreMapping
from psi.shared.processes import Process
from psi.shared.routes import ROUTES, request_cap
from psi.shared.secret import SecretBytes, decode_hook, encode_hook
from tests.unit.shared.largest_value import largest_of
from tests.unit.shared.struct_types import (
    ALL_STRUCTS,
    CONCRETE,
    MESSAGES,
    Leaf,
    all_leaves,
    fields_of,
)

Struct = type[msgspec.Struct]

_TEXTS = [leaf.kind for leaf in all_leaves(types.StrType)]
PATTERNS = sorted({k.pattern for k in _TEXTS if isinstance(k, types.StrType) and k.pattern})


def _name(value: object) -> str:
    return value.place if isinstance(value, Leaf) else getattr(value, "__name__", str(value))


def _encode(value: Any) -> bytes:
    return msgspec.msgpack.encode(value, enc_hook=encode_hook)


def _decode(data: bytes, struct: Struct) -> Any:
    return msgspec.msgpack.decode(data, type=struct, dec_hook=decode_hook)


def _tree(struct: Struct) -> dict[str, Any]:
    """Return the largest value as a plain map, ready to be spoiled."""
    tree = msgspec.msgpack.decode(_encode(largest_of(struct)))
    assert isinstance(tree, dict)
    return tree


def test_the_walk_finds_the_types() -> None:
    names = {each.__name__ for each in ALL_STRUCTS}
    assert names >= {"Lookup", "LookupReply", "Discovered", "Refused", "BrokerProjection", "Source"}
    assert {row.request for row in ROUTES} | {row.reply for row in ROUTES} <= set(MESSAGES)


@pytest.mark.parametrize("struct", ALL_STRUCTS, ids=_name)
def test_a_struct_is_frozen_and_forbids_unknown_fields(struct: Struct) -> None:
    config = struct.__struct_config__
    assert config.frozen
    assert config.forbid_unknown_fields


@pytest.mark.parametrize("message", MESSAGES, ids=_name)
def test_a_message_is_tagged_with_its_name(message: Struct) -> None:
    assert message.__struct_config__.tag == message.__name__


def test_message_names_are_unique() -> None:
    names = [each.__name__ for each in MESSAGES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("message", MESSAGES, ids=_name)
def test_a_message_is_a_request_or_a_reply(message: Struct) -> None:
    kinds = [kind for kind in (Request, Reply) if issubclass(message, kind)]
    assert len(kinds) == 1 or message is Message


@pytest.mark.parametrize("leaf", all_leaves(types.StrType, types.BytesType), ids=_name)
def test_text_and_bytes_have_a_greatest_length(leaf: Leaf) -> None:
    assert isinstance(leaf.kind, types.StrType | types.BytesType)
    assert leaf.kind.max_length is not None


@pytest.mark.parametrize("leaf", all_leaves(types.CollectionType, types.DictType), ids=_name)
def test_a_container_has_a_greatest_length(leaf: Leaf) -> None:
    assert isinstance(leaf.kind, types.CollectionType | types.DictType)
    assert leaf.kind.max_length is not None


@pytest.mark.parametrize("leaf", all_leaves(types.IntType, types.FloatType), ids=_name)
def test_a_number_has_both_bounds(leaf: Leaf) -> None:
    assert isinstance(leaf.kind, types.IntType | types.FloatType)
    assert leaf.kind.ge is not None
    assert leaf.kind.le is not None


@pytest.mark.parametrize("leaf", all_leaves(types.Type), ids=_name)
def test_a_field_is_of_a_kind_that_can_be_bounded(leaf: Leaf) -> None:
    assert not isinstance(leaf.kind, types.AnyType | types.RawType | types.ExtType)
    if isinstance(leaf.kind, types.CustomType):
        assert issubclass(leaf.kind.cls, SecretBytes)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_is_anchored_at_both_ends(pattern: str) -> None:
    assert pattern.startswith(r"\A")
    assert pattern.endswith(r"\Z")
    assert re.compile(pattern).flags & (re.MULTILINE | re.DOTALL) == 0


def test_msgspec_patterns_are_searches() -> None:
    """Why the anchors matter (r2): should this fail, msgspec has changed."""
    loose = msgspec.msgpack.Decoder(_annotated("^[0-9a-f]{25}$"))
    assert loose.decode(_encode("a" * 25 + "\n")) == "a" * 25 + "\n"


def _annotated(pattern: str) -> Any:
    return Annotated[str, msgspec.Meta(pattern=pattern)]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_accepts_its_own_and_no_line_more(pattern: str) -> None:
    """An alternative that an anchor does not reach would be drawn and found, too."""
    decoder = msgspec.msgpack.Decoder(_annotated(pattern))

    @settings(max_examples=25, deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.from_regex(pattern, fullmatch=True))
    def check(value: str) -> None:
        assert decoder.decode(_encode(value)) == value
        for before, after in (("", "\n"), ("\n", ""), ("", "\nExecStartPre=x"), ("", "\0")):
            with pytest.raises(msgspec.ValidationError):
                decoder.decode(_encode(before + value + after))

    check()


@pytest.mark.parametrize("struct", CONCRETE, ids=_name)
def test_the_largest_value_is_legal(struct: Struct) -> None:
    value = largest_of(struct)
    assert _decode(_encode(value), struct) == value


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: f"{row.caller}-{row.request.__name__}")
def test_the_largest_request_fits_its_frame(row: Any) -> None:
    assert len(_encode(largest_of(row.request))) <= request_cap(row.caller)


@pytest.mark.parametrize("reply", [m for m in CONCRETE if issubclass(m, Reply)], ids=_name)
def test_the_largest_reply_fits_its_frame(reply: Struct) -> None:
    assert len(_encode(largest_of(reply))) <= REPLY_FRAME_BYTES


def test_only_control_sockets_carry_large_requests() -> None:
    for caller in Process:
        assert (request_cap(caller) > REQUEST_FRAME_BYTES) is (caller is Process.CTL)


def test_the_cap_counts_the_body_alone() -> None:
    assert len(pack(b"x" * 10)) == 10 + HEADER_BYTES


FIELDS = [(struct, field) for struct in CONCRETE for field in fields_of(struct)]


def _field_name(value: object) -> str:
    return value.name if isinstance(value, types.Field) else _name(value)


@pytest.mark.parametrize(("struct", "field"), FIELDS, ids=_field_name)
def test_one_more_than_the_bound_is_refused(struct: Struct, field: types.Field) -> None:
    tree = _tree(struct)
    for larger in _SPOILERS[type(tree[field.encode_name])](tree[field.encode_name]):
        spoiled = {**tree, field.encode_name: larger}
        with pytest.raises(msgspec.ValidationError):
            _decode(_encode(spoiled), struct)


_SPOILERS: dict[type[Any], Callable[[Any], list[Any]]] = {
    bool: lambda _: [2, None, "true"],
    int: lambda value: [value + 1, -1, str(value), None, value + 0.5],
    float: lambda value: [value * 2, -1.0, float("inf"), float("nan"), None],
    str: lambda value: [value + value[-1], value.encode(), 1, [value]],
    bytes: lambda value: [value + b"x", 1, [value]],
    list: lambda value: [value + value[:1], None, {}],
    dict: lambda _: [[], 1, "x"],
}
"""Values just outside a field's bounds, and of other types, made from its largest."""


@pytest.mark.parametrize("struct", CONCRETE, ids=_name)
def test_an_unknown_field_is_refused(struct: Struct) -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        _decode(_encode({**_tree(struct), "extra": 1}), struct)


REQUIRED = [(struct, field) for struct, field in FIELDS if field.required]


@pytest.mark.parametrize(("struct", "field"), REQUIRED, ids=_field_name)
def test_a_missing_field_is_refused(struct: Struct, field: types.Field) -> None:
    tree = _tree(struct)
    del tree[field.encode_name]
    with pytest.raises(msgspec.ValidationError, match="missing required field"):
        _decode(_encode(tree), struct)


@pytest.mark.parametrize("message", [m for m in CONCRETE if m in MESSAGES], ids=_name)
def test_a_message_without_its_tag_is_refused(message: Struct) -> None:
    tree = _tree(message)
    del tree["type"]
    others = [each for each in CONCRETE if each is not message and each in MESSAGES]
    with pytest.raises(msgspec.ValidationError, match="missing required field `type`"):
        msgspec.msgpack.decode(_encode(tree), type=message | others[0], dec_hook=decode_hook)


SECRET_STRUCTS = sorted(
    {leaf.place.partition(".")[0] for leaf in all_leaves(types.CustomType)}, key=str
)


@pytest.mark.parametrize("name", SECRET_STRUCTS)
def test_a_secret_field_is_not_shown(name: str) -> None:
    (struct,) = [each for each in ALL_STRUCTS if each.__name__ == name]
    hidden = SecretBytes(b"hunter2")
    kinds = {field.name: field.type for field in fields_of(struct)}
    secret = {
        field
        for field, kind in kinds.items()
        if any(
            issubclass(getattr(each, "cls", object), SecretBytes)
            for each in getattr(kind, "types", (kind,))
        )
    }
    value = struct(**{field: hidden if field in secret else "shown" for field in kinds})
    for text in (repr(value), str(value), f"{value}"):
        assert "hunter2" not in text
        assert "SecretBytes(…)" in text


def test_a_field_that_is_not_secret_is_shown() -> None:
    """Msgspec's own repr shows everything, which is why secrets have their type."""
    assert "hunter2" in repr(StoreMapping(secret_id="a", mapping=b"hunter2", claimed_uid=0))
