"""The padding that is taken off in software: what it accepts, it accepts as OpenSSL does."""

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from psi.sealer.backends.oaep import unpad

BYTES = 256
LONGEST = BYTES - 2 * 32 - 2


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=BYTES * 8)


def block(key: RSAPrivateKey, message: bytes, label: bytes | None = None) -> bytes:
    """Pad by encrypting with OpenSSL, and take only the encryption off."""
    padding = OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=label)
    numbers = key.private_numbers()
    encrypted = int.from_bytes(key.public_key().encrypt(message, padding))
    return pow(encrypted, numbers.d, numbers.public_numbers.n).to_bytes(BYTES)


@pytest.mark.parametrize("size", [0, 1, 16, 32, LONGEST])
def test_what_openssl_padded_is_unpadded(key: RSAPrivateKey, size: int) -> None:
    message = bytes(range(size % 256))
    assert unpad(block(key, message)) == message


def test_a_message_of_zeros_and_ones_keeps_them(key: RSAPrivateKey) -> None:
    assert unpad(block(key, b"\x00\x00\x01\x00")) == b"\x00\x00\x01\x00"


def test_every_flipped_byte_is_refused(key: RSAPrivateKey) -> None:
    whole = block(key, bytes(32))
    for offset in range(BYTES):
        damaged = bytearray(whole)
        damaged[offset] ^= 0x80
        assert unpad(bytes(damaged)) is None


def test_another_label_is_refused(key: RSAPrivateKey) -> None:
    assert unpad(block(key, bytes(32), b"other")) is None


def test_another_hash_is_refused(key: RSAPrivateKey) -> None:
    padding = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)  # noqa: S303  # what is refused
    numbers = key.private_numbers()
    encrypted = int.from_bytes(key.public_key().encrypt(bytes(32), padding))
    raw = pow(encrypted, numbers.d, numbers.public_numbers.n).to_bytes(BYTES)
    assert unpad(raw) is None


@pytest.mark.parametrize("length", [0, 1, 65, 66, 256])
def test_what_is_no_padding_is_refused(length: int) -> None:
    assert unpad(bytes(length)) is None
