"""Values come back byte for byte through the very driver command, or not at all."""

import base64
from collections.abc import Iterator

import pytest

from tests.fakes.infisical.seed import Text, raw
from tests.unit.broker.chain import Chain, mapping, running, secret_id, seed

VALUES = {
    "PLAIN": b"correct-horse-battery-staple",
    "ONE_BYTE": b"v",
    "ONE_NUL": b"\0",
    "ONE_LF": b"\n",
    "ONE_BLANK": b" ",
    "CR": b"a\rb\r",
    "LF": b"a\nb",
    "CRLF": b"a\r\nb\r\n",
    "TRAILING_LFS": b"value\n\n\n",
    "LEADING_LFS": b"\n\n\nvalue",
    "NUL": b"a\0b\0",
    "QUOTES": b"\"double\" 'single' `back`",
    "SHELL": b"$(touch /tmp/never) $HOME $SECRET_ID !! && ; | > < *",
    "BACKSLASHES": b"\\ \\\\ \\n \\x00 %s %{http_code}",
    "UTF8": "Grüße 秘密 🔑 \u202e".encode(),
    "HTTP": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "CHUNKED": b"4\r\nevil\r\n0\r\n\r\n",
    "JSON": b'{"secretValue": "x", "a": [1, 2]}',
    "CONTROL": bytes(range(1, 32)) + b"\x7f",
    "REFERENCE": b"$ {PLAIN} $PLAIN",
    "LARGEST": (b"0123456789abcdef\r\n\0" * 30_000)[:511_999],
}
BAD = {"EMPTY": b"", "MASKED": b"<hidden-by-infisical>", "TOO_LARGE": b"x" * 512_000}
IDS = {key: secret_id(number) for number, key in enumerate([*VALUES, *BAD, "ABSENT"])}


@pytest.fixture(scope="module", params=["memory", "none"])
def chain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chain]:
    values: dict[str, Text] = {key: raw(value) for key, value in (VALUES | BAD).items()}
    root = tmp_path_factory.mktemp("c")
    with running(root, seed(**values), cache=request.param) as chain:
        yield chain


def stored(chain: Chain, key: str) -> str:
    """Store the mapping of a key by the driver command; again is as good as once."""
    ended = chain.drive("store", IDS[key], mapping(key))
    assert (ended.code, ended.value, ended.said) == (0, b"", "")
    return IDS[key]


@pytest.mark.parametrize("key", VALUES)
def test_a_value_comes_back_byte_for_byte(chain: Chain, key: str) -> None:
    name = stored(chain, key)
    for _ in range(2):  # fetched, then from the cache where there is one
        ended = chain.drive("lookup", name)
        assert (ended.code, ended.said) == (0, "")
        assert ended.value == VALUES[key]


REASONS = {
    "EMPTY": "its value is empty",
    "MASKED": "its value is masked",
    "TOO_LARGE": "its value has 512000 bytes",
    "ABSENT": "ABSENT",
}


@pytest.mark.parametrize("key", REASONS)
def test_a_value_that_cannot_be_handed_over_is_an_error_with_its_reason(
    chain: Chain, key: str
) -> None:
    ended = chain.drive("lookup", stored(chain, key))
    assert ended.code == 22
    assert ended.value == b""
    assert REASONS[key] in ended.said
    assert "psi: " in ended.said


def test_an_unknown_id_is_an_error_with_its_reason(chain: Chain) -> None:
    ended = chain.drive("lookup", "f" * 25)
    assert (ended.code, ended.value) == (22, b"")
    assert "psi: no mapping has this id; run psictl setup" in ended.said


def test_a_deleted_secret_is_gone(chain: Chain) -> None:
    name = secret_id(1000)
    assert chain.drive("store", name, mapping("PLAIN")).code == 0
    assert chain.drive("lookup", name).value == VALUES["PLAIN"]
    for _ in range(2):
        ended = chain.drive("delete", name)
        assert (ended.code, ended.value, ended.said) == (0, b"", "")
    assert chain.drive("lookup", name).code == 22


def test_a_list_prints_nothing(chain: Chain) -> None:
    ended = chain.drive("list", "")
    assert (ended.code, ended.value, ended.said) == (0, b"", "")


def test_no_value_and_no_credential_is_in_the_logs(chain: Chain) -> None:
    logs = chain.logs()
    assert "mapping-stored" in logs
    assert "canary-client-secret" not in logs
    for value in VALUES.values():
        text = value.decode()
        assert len(value) < 10 or text not in logs
        assert base64.b64encode(value[:30]).decode() not in logs
    assert "eyJ" not in logs, "a token"
