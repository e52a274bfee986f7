"""What is a mapping: one JSON object of known fields, whatever a caller sends instead."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psi.broker.mapping import BadMapping, Coordinate, encode_mapping, parse_mapping
from psi.shared.limits import BODY_BYTES

GOOD = {"project": "myproject", "path": "/myapp", "key": "DB_HOST"}
PARSED = Coordinate("myproject", "/myapp", "DB_HOST")


def with_fields(**fields: Any) -> bytes:
    return json.dumps(GOOD | fields).encode()


EQUALS = {
    "plain": json.dumps(GOOD),
    "with the provider": json.dumps(GOOD | {"provider": "infisical"}),
    "other order": json.dumps(dict(reversed(GOOD.items()))),
    "other white space": json.dumps(GOOD, indent=4) + "\r\n\t ",
    "no white space": json.dumps(GOOD, separators=(",", ":")),
    "escaped letters": json.dumps(GOOD).replace("DB", "\\u0044\\u0042"),
    "escaped slash": json.dumps(GOOD).replace("/", "\\/"),
}


@pytest.mark.parametrize("text", EQUALS.values(), ids=EQUALS.keys())
def test_equal_means_equal_after_parsing(text: str) -> None:
    assert parse_mapping(text.encode()) == PARSED


def test_a_mapping_of_16_kib_is_parsed() -> None:
    payload = with_fields()
    assert parse_mapping(payload + b" " * (BODY_BYTES - len(payload))) == PARSED


def test_a_mapping_of_a_byte_more_is_refused() -> None:
    payload = with_fields()
    with pytest.raises(BadMapping, match="larger than 16384 bytes"):
        parse_mapping(payload + b" " * (BODY_BYTES - len(payload) + 1))


NO_JSON = {
    "nothing": b"",
    "blank": b" ",
    "a word": b"nojson",
    "cut": with_fields()[:-1],
    "two objects": with_fields() + with_fields(),
    "NUL behind it": with_fields() + b"\0",
    "trailing comma": b'{"project": "a",}',
    "single quotes": b"{'project': 'a'}",
    "a comment": b"{} // x",
    "not UTF-8": b'{"project": "\xff"}',
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + with_fields(),
    "newline in a string": b'{"project": "a\nb"}',
    "deep lists": b"[" * 8000 + b"]" * 8000,
    "deep objects": b'{"a":' * 2500 + b"1" + b"}" * 2500,
    "a number of 10,000 digits": b"1" * 10_000,
}


@pytest.mark.parametrize("payload", NO_JSON.values(), ids=NO_JSON.keys())
def test_what_is_no_json_is_refused(payload: bytes) -> None:
    with pytest.raises(BadMapping, match="not valid JSON"):
        parse_mapping(payload)


@pytest.mark.parametrize("payload", [b"[]", b'"text"', b"1", b"null", b"true", b"NaN", b"[{}]"])
def test_json_that_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(BadMapping, match="not a JSON object"):
        parse_mapping(payload)


TWICE = {
    "key": b'{"project":"a","path":"/","key":"K","key":"L"}',
    "equal values": b'{"project":"a","project":"a","path":"/","key":"K"}',
    "escaped name": b'{"project":"a","path":"/","key":"K","\\u006bey":"L"}',
    "inside": b'{"project":"a","path":"/","key":{"x":1,"x":2}}',
}


@pytest.mark.parametrize("payload", TWICE.values(), ids=TWICE.keys())
def test_a_field_that_stands_twice_is_refused(payload: bytes) -> None:
    with pytest.raises(BadMapping, match="names a field twice"):
        parse_mapping(payload)


@pytest.mark.parametrize("name", ["value", "Key", "", "key ", "__class__", "\x1b[31m", "秘"])
def test_an_unknown_field_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(BadMapping, match="unknown field") as refused:
        parse_mapping(with_fields(**{name: "x"}))
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("provider", ["other", "", "INFISICAL", None, 1, ["infisical"], {}])
def test_another_provider_is_refused(provider: Any) -> None:
    with pytest.raises(BadMapping, match="provider is not infisical"):
        parse_mapping(with_fields(provider=provider))


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["/"], {"a": {"b": []}}])
def test_a_field_that_is_no_string_is_refused_by_its_name(name: str, value: Any) -> None:
    with pytest.raises(BadMapping, match=f"{name} is missing or not a string"):
        parse_mapping(with_fields(**{name: value}))


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_field_is_refused_by_its_name(name: str) -> None:
    fields = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(BadMapping, match=f"{name} is missing"):
        parse_mapping(json.dumps(fields).encode())


BAD_NAMES = {
    "project": ["", "a b", "a/b", "-a", ".a", "a\n", "a" * 64, "../x", "a\0", "ä"],
    "path": [
        "", "myapp", "/myapp/", "//", "/a//b", "/.", "/..", "/a/../b", "/a/./b", "/a\n", "/\0",
        "/a\x7f", "/\u2028", "/\ud800", "/" + "a" * 1024, "../../etc/passwd",
    ],
    "key": ["", "a/b", "a:b", "a\nb", "a\0", "\x1b[31m", "\u202eb", "\ud800", "k" * 256],
}  # fmt: skip  # a table
CASES = [(name, value) for name, values in BAD_NAMES.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_malformed_name_is_refused_in_one_printable_line(name: str, value: str) -> None:
    with pytest.raises(BadMapping, match="is not valid") as refused:
        parse_mapping(with_fields(**{name: value}))
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("path", ["/", "/a", "/a/b c", "/...", "/ä", "/a" * 512])
@pytest.mark.parametrize("key", ["K", "k" * 255, "a b", "a.b-c", "ß", '"'])
def test_what_infisical_allows_is_parsed_and_written_back(path: str, key: str) -> None:
    coordinate = parse_mapping(with_fields(path=path, key=key))
    assert coordinate == ("myproject", path, key)
    assert parse_mapping(encode_mapping(coordinate)) == coordinate


@given(st.binary(max_size=200))
def test_noise_is_parsed_or_refused(payload: bytes) -> None:
    try:
        coordinate = parse_mapping(payload)
    except BadMapping:
        return
    assert parse_mapping(encode_mapping(coordinate)) == coordinate


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "provider", "x"]), json_values))
def test_json_of_any_shape_is_parsed_or_refused(fields: dict[str, Any]) -> None:
    with suppress(BadMapping):
        assert parse_mapping(json.dumps(fields).encode()).project
