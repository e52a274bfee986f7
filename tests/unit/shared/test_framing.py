"""Cutting a stream into frames: any split gives the same, and nothing else is ever raised."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psi.shared.errors import ProtocolError
from psi.shared.framing import (
    HEADER_BYTES,
    PROTOCOL,
    WRONG_PROTOCOL,
    FrameReader,
    WrongProtocolError,
    body_length,
    pack,
)
from tests.unit.shared.properties import PROPERTY

CAP = 300
BODIES = st.lists(st.binary(min_size=1, max_size=CAP), max_size=8)


def header(length: int, protocol: int = PROTOCOL) -> bytes:
    return bytes([protocol]) + length.to_bytes(4)


def read(reader: FrameReader, *parts: bytes) -> list[bytes]:
    return [body for part in parts for body in reader.feed(part)]


def test_a_frame_is_a_byte_a_length_and_a_body() -> None:
    assert pack(b"abc") == b"\x01\x00\x00\x00\x03abc"
    assert HEADER_BYTES == 5


@PROPERTY
@given(BODIES, st.data())
def test_any_split_of_a_stream_gives_the_same_frames(
    bodies: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(map(pack, bodies))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=10))
    edges = [0, *sorted(cuts), len(stream)]
    parts = [stream[a:b] for a, b in pairwise(edges)]
    reader = FrameReader(CAP)
    assert read(reader, *parts) == bodies
    assert not reader.partial


@PROPERTY
@given(BODIES)
def test_byte_by_byte_gives_the_same_frames(bodies: list[bytes]) -> None:
    stream = b"".join(map(pack, bodies))
    assert read(FrameReader(CAP), *(bytes([byte]) for byte in stream)) == bodies


@PROPERTY
@given(st.lists(st.binary(max_size=40), max_size=8))
def test_garbage_raises_a_protocol_error_or_nothing(parts: list[bytes]) -> None:
    reader = FrameReader(CAP)
    try:
        bodies = read(reader, *parts)
    except ProtocolError:
        return
    assert b"".join(parts).startswith(b"".join(map(pack, bodies)))


@PROPERTY
@given(st.binary(max_size=CAP), st.integers(0, 2**32 - 1), st.integers(0, 255))
def test_any_header_raises_a_protocol_error_or_nothing(
    body: bytes, length: int, protocol: int
) -> None:
    try:
        read(FrameReader(CAP), header(length, protocol) + body)
    except ProtocolError:
        return
    assert protocol == PROTOCOL
    assert length <= CAP


def test_the_cap_is_the_largest_body() -> None:
    assert read(FrameReader(CAP), pack(b"x" * CAP)) == [b"x" * CAP]


def test_one_above_the_cap_is_refused_by_its_header_alone() -> None:
    with pytest.raises(ProtocolError, match="301 bytes; the cap is 300"):
        read(FrameReader(CAP), header(CAP + 1))


def test_a_header_that_comes_in_parts_is_held_against_the_cap() -> None:
    reader = FrameReader(CAP)
    assert read(reader, header(CAP + 1)[:4]) == []
    with pytest.raises(ProtocolError):
        read(reader, header(CAP + 1)[4:])


def test_an_empty_body_is_refused() -> None:
    with pytest.raises(ProtocolError, match="0 bytes"):
        read(FrameReader(CAP), header(0))


@pytest.mark.parametrize("first", [0, 2, 0x15, 0x47, 255])
def test_another_protocol_is_known_by_its_first_byte(first: int) -> None:
    with pytest.raises(WrongProtocolError):
        read(FrameReader(CAP), bytes([first]))


def test_another_protocol_is_known_behind_a_good_frame() -> None:
    reader = FrameReader(CAP)
    stream = reader.feed(pack(b"good") + b"\x02")
    assert next(stream) == b"good"
    with pytest.raises(WrongProtocolError):
        next(stream)


def test_the_answer_to_another_protocol_is_no_frame() -> None:
    assert len(WRONG_PROTOCOL) == 1
    assert WRONG_PROTOCOL[0] != PROTOCOL


def test_a_reader_knows_whether_a_frame_was_begun() -> None:
    reader = FrameReader(CAP)
    assert not reader.partial
    assert read(reader, pack(b"abc")[:-1]) == []
    assert reader.partial
    assert read(reader, b"c") == [b"abc"]
    assert not reader.partial


def test_the_length_is_read_from_the_header() -> None:
    assert body_length(header(7), CAP) == 7
    assert body_length(bytearray(header(7) + b"rest"), CAP) == 7
