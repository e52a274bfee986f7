"""Data keys come back only in the context that they were wrapped in."""

import pytest

from psi.sealer.device_error import DeviceError
from psi.sealer.wrapping import unwrap, wrap
from psi.shared.messages.sealer import MAX_WRAPPED_BYTES, SealerError
from psi.shared.secret import DataKey, SecretBytes
from tests.unit.sealer.samples import keys

KEY = DataKey(b"d" * 32)


def refused(wrapped: bytes, purpose: str = "cache", generation: int = 7, host: bytes = b"h") -> str:
    opened = keys(host_secret=SecretBytes(host * 32))
    with pytest.raises(DeviceError) as caught:
        unwrap(opened, wrapped, purpose, generation)
    assert len(caught.value.detail) < 200
    return caught.value.code


def test_the_same_context_gives_the_key_back() -> None:
    wrapped = wrap(keys(), KEY, "cache", 7)
    assert unwrap(keys(), wrapped, "cache", 7) == KEY
    assert len(wrapped) <= MAX_WRAPPED_BYTES
    assert KEY.reveal() not in wrapped


def test_another_purpose_is_refused() -> None:
    assert refused(wrap(keys(), KEY, "cache", 7), purpose="token") == SealerError.CONTEXT


def test_another_generation_is_refused() -> None:
    assert refused(wrap(keys(), KEY, "cache", 7), generation=8) == SealerError.CONTEXT


def test_another_hosts_key_is_told_from_damage() -> None:
    assert refused(wrap(keys(), KEY, "cache", 7), host=b"x") == SealerError.OTHER_KEY


def test_every_flipped_byte_is_refused() -> None:
    wrapped = wrap(keys(), KEY, "cache", 7)
    codes = {
        refused(wrapped[:i] + bytes([wrapped[i] ^ 1]) + wrapped[i + 1 :])
        for i in range(len(wrapped))
    }
    assert codes == {SealerError.CORRUPT, SealerError.OTHER_KEY, SealerError.CONTEXT}


def test_every_other_length_is_corrupt() -> None:
    wrapped = wrap(keys(), KEY, "cache", 7)
    for length in range(len(wrapped)):
        assert refused(wrapped[:length]) == SealerError.CORRUPT
    assert refused(wrapped + b"\0") == SealerError.CORRUPT


def test_two_wrappings_of_one_key_differ() -> None:
    assert wrap(keys(), KEY, "cache", 7) != wrap(keys(), KEY, "cache", 7)
