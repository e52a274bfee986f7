"""A secret shows itself nowhere but where it is revealed."""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable

import msgspec
import pytest

from psi.shared.messages.broker import LookupReply
from psi.shared.secret import MAX_SECRET_BYTES, SecretBytes, decode_hook, encode_hook

VALUE = b"hunter2"
SECRET = SecretBytes(VALUE)

SHOWN: dict[str, Callable[[], str]] = {
    "repr": lambda: repr(SECRET),
    "str": lambda: str(SECRET),
    "f-string": lambda: f"{SECRET}",
    "f-string with a width": lambda: f"{SECRET:>40}",
    "f-string with !r": lambda: f"{SECRET!r}",
    "percent": lambda: "%s %r" % (SECRET, SECRET),  # noqa: UP031  # the way to show is the test
    "format": lambda: "{}".format(SECRET),  # noqa: UP032  # as above
    "in a list": lambda: str([SECRET]),
    "in a message": lambda: repr(LookupReply(value=SECRET)),
    "in an exception": lambda: str(ValueError(SECRET)),
}


@pytest.mark.parametrize("how", SHOWN)
def test_a_secret_is_not_shown(how: str) -> None:
    assert "hunter2" not in SHOWN[how]()
    assert "SecretBytes(…)" in SHOWN[how]()


def test_it_is_revealed_on_demand() -> None:
    assert SECRET.reveal() == VALUE
    assert len(SECRET) == 7


def test_a_traceback_does_not_show_it() -> None:
    def fail(secret: SecretBytes) -> None:
        raise RuntimeError(secret)

    with pytest.raises(RuntimeError) as caught:
        fail(SECRET)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "hunter2" not in "".join(shown.format())


def test_a_log_record_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("value %s", SECRET)
    assert "hunter2" not in caplog.text


def test_equal_values_are_equal() -> None:
    assert SecretBytes(b"hunter2") == SECRET
    assert SecretBytes(b"hunter3") != SECRET


@pytest.mark.parametrize("other", [VALUE, "hunter2", None, 7])
def test_it_equals_nothing_but_a_secret(other: object) -> None:
    assert other != SECRET


def test_it_is_no_dictionary_key() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(SECRET)


@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_is_not_serialised(act: Callable[[SecretBytes], object]) -> None:
    with pytest.raises(TypeError, match="is not serialised") as caught:
        act(SECRET)
    assert "hunter2" not in str(caught.value)


def test_json_does_not_take_it() -> None:
    with pytest.raises(TypeError):
        json.dumps(SECRET)


def test_it_takes_no_attribute() -> None:
    with pytest.raises(AttributeError):
        SECRET.note = "x"  # type: ignore[attr-defined]  # what is refused is the test


def _decode(data: bytes) -> SecretBytes:
    return msgspec.msgpack.decode(data, type=SecretBytes, dec_hook=decode_hook)


@pytest.mark.parametrize("value", [b"", b"x", b"\0\n\xff", b"x" * MAX_SECRET_BYTES], ids=len)
def test_it_travels_in_a_message(value: bytes) -> None:
    data = msgspec.msgpack.encode(SecretBytes(value), enc_hook=encode_hook)
    assert data == msgspec.msgpack.encode(value)
    assert _decode(data).reveal() == value


def test_text_in_a_projection_becomes_a_secret() -> None:
    decoded = msgspec.json.decode('"pässword"', type=SecretBytes, dec_hook=decode_hook)
    assert decoded.reveal() == "pässword".encode()


def test_one_byte_too_many_is_refused() -> None:
    data = msgspec.msgpack.encode(b"x" * (MAX_SECRET_BYTES + 1))
    with pytest.raises(msgspec.ValidationError, match="at most 511999 bytes"):
        _decode(data)


@pytest.mark.parametrize("value", [1, None, [VALUE], {"a": 1}, True])
def test_what_is_no_bytes_is_refused(value: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        _decode(msgspec.msgpack.encode(value))


def test_a_decode_error_does_not_show_it() -> None:
    data = msgspec.msgpack.encode({"type": "LookupReply", "value": [VALUE]})
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.msgpack.decode(data, type=LookupReply, dec_hook=decode_hook)
    assert "hunter2" not in str(caught.value)


def test_msgspec_does_not_take_it_without_the_hook() -> None:
    with pytest.raises(TypeError):
        msgspec.msgpack.encode(SECRET)


def test_the_hooks_take_no_other_type() -> None:
    with pytest.raises(NotImplementedError):
        encode_hook(object())
    with pytest.raises(NotImplementedError):
        decode_hook(complex, 1)
