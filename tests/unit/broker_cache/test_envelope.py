"""The format of what is encrypted: any change anywhere is told, each kind by its own words."""

import pytest

from psi.broker.envelope import (
    DamagedEnvelope,
    Envelope,
    WrappedKey,
    parse,
    seal,
    unseal,
)
from psi.shared.secret import DataKey

KEY = DataKey(b"d" * 32)
CONTENT = b"the content" * 40
WRAPPED = b"w" * 93
HEADER = 8 + 1 + 1 + 1 + 8 + 2 + len(WRAPPED) + 12


def made(generation: int = 7, name: str = "") -> bytes:
    return seal("cache", 3, WrappedKey(generation, KEY, WRAPPED), CONTENT, name)


def opened(blob: bytes, name: str = "") -> bytes:
    return unseal(parse("cache", blob), KEY, name)


def cause(blob: bytes, name: str = "") -> str:
    with pytest.raises(DamagedEnvelope) as caught:
        opened(blob, name)
    return str(caught.value)


def flipped(blob: bytes, bit: int) -> bytes:
    return blob[: bit // 8] + bytes([blob[bit // 8] ^ 1 << bit % 8]) + blob[bit // 8 + 1 :]


def test_what_is_sealed_comes_back() -> None:
    assert opened(made()) == CONTENT
    assert CONTENT[:11] not in made()


def test_the_parts_are_as_they_were_given() -> None:
    parts = parse("cache", made(generation=2**53 - 1))
    assert isinstance(parts, Envelope)
    assert (parts.generation, parts.backend, parts.wrapped) == (2**53 - 1, 3, WRAPPED)
    assert len(parts.header) == HEADER


def test_one_flipped_bit_of_the_header_is_told() -> None:
    """The sealer is stood in for by the one key: even what it might not notice is noticed."""
    blob = made()
    for bit in range(HEADER * 8):
        assert cause(flipped(blob, bit))


def test_one_flipped_bit_of_the_body_is_told() -> None:
    blob = made()
    for byte in range(HEADER, len(blob)):
        said = cause(flipped(blob, byte * 8 + byte % 8))
        assert said == "its content was altered or damaged"


def test_a_file_cut_at_any_length_is_told() -> None:
    blob = made()
    causes = {cause(blob[:length]) for length in range(len(blob))}
    assert causes == {
        "it is cut short",
        "it is cut short or its header is damaged",
        "its content was altered or damaged",
    }


def test_a_longer_file_is_told() -> None:
    assert cause(made() + b"\0") == "its content was altered or damaged"


def test_another_programs_file_is_told() -> None:
    assert cause(b"LUKS\xba\xbe" + b"\0" * 400) == "it is no file of PSI's"


def test_a_newer_format_is_told_by_its_number() -> None:
    blob = made()
    assert cause(blob[:8] + b"\x02" + blob[9:]) == "it has format 2, this version reads 1"


def test_another_purpose_is_told() -> None:
    blob = seal("token", 3, WrappedKey(7, KEY, WRAPPED), CONTENT)
    assert "of another kind than cache" in cause(blob)


def test_another_name_does_not_open() -> None:
    blob = made(name="DB_PASSWORD")
    assert opened(blob, "DB_PASSWORD") == CONTENT
    assert cause(blob, "API_TOKEN") == "its content was altered or damaged"
    assert cause(blob) == "its content was altered or damaged"


def test_another_generation_in_the_header_does_not_open() -> None:
    blob = made(generation=7)
    older = blob[:11] + (6).to_bytes(8) + blob[19:]
    assert cause(older) == "its content was altered or damaged"


def test_a_generation_that_no_message_can_carry_is_damage_and_no_breach_of_protocol() -> None:
    blob = made()
    assert cause(blob[:11] + (2**53).to_bytes(8) + blob[19:]) == "its header is damaged"


def test_another_key_does_not_open() -> None:
    with pytest.raises(DamagedEnvelope, match="altered or damaged"):
        unseal(parse("cache", made()), DataKey(b"o" * 32))


def test_the_key_is_in_no_repr() -> None:
    assert "dddd" not in repr(WrappedKey(7, KEY, WRAPPED))
