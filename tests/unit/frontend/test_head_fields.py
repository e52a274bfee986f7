"""The header fields: their grammar, and the three that matter."""

import pytest

from psi.frontend.head import parse_head
from psi.shared.limits import BODY_BYTES
from tests.unit.frontend.test_head_routes import ID, head, reason_of

STORE = f"POST /store/{ID} HTTP/1.1"
GET = f"GET /lookup/{ID} HTTP/1.1"

GOOD = {
    "none": (),
    "what curl sends": ("Host: localhost", "User-Agent: curl/7.88.1", "Accept: */*"),
    "no blank behind the colon": ("Host:localhost",),
    "empty value": ("X-Empty:",),
    "tab in a value": ("X-Tab: a\tb",),
    "bytes above ASCII": ("X-Latin: \xe9",),
    "every letter of a token": ("!#$%&'*+-.^_`|~09azAZ: x",),
    "a colon in the value": ("Host: localhost:80",),
    "a name that only begins like one that matters": ("Content-Length-Of: x",),
    "keep-alive": ("Connection: keep-alive",),
    "upgrade": ("Upgrade: h2c", "Connection: Upgrade"),
    "a zero length": ("Content-Length: 0",),
}


@pytest.mark.parametrize("fields", GOOD.values(), ids=GOOD.keys())
def test_fields_of_the_grammar_are_accepted(fields: tuple[str, ...]) -> None:
    assert parse_head(head(GET, *fields)).secret_id == ID


MALFORMED = {
    "without a colon": "Host localhost",
    "blank before the colon": "Host : localhost",
    "empty name": ": localhost",
    "folded line": "X: a\r\n b",
    "folded by a tab": "X: a\r\n\tb",
    "blank line start": " Host: localhost",
    "bare line feed": "X: a\nY: b",
    "bare carriage return": "X: a\rY: b",
    "NUL in the value": "X: a\0b",
    "NUL in the name": "X\0: a",
    "escape in the value": "X: \x1b[31m",
    "DEL in the value": "X: \x7f",
    "bytes above ASCII in the name": "\xe9: x",
    "at sign in the name": "a@b: x",
}


@pytest.mark.parametrize("field", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_field_is_refused(field: str) -> None:
    assert reason_of(head(GET, "Host: localhost", field)) == "a header is malformed"


@pytest.mark.parametrize("number", ["1", "16384", "0016384", " 7 ", "\t7\t", "9"])
def test_a_content_length_up_to_the_limit_is_accepted(number: str) -> None:
    assert parse_head(head(STORE, f"Content-Length:{number}")).body_bytes == int(number)


@pytest.mark.parametrize("name", ["content-length", "CONTENT-LENGTH", "cOnTeNt-LeNgTh"])
def test_a_field_name_has_no_case(name: str) -> None:
    assert parse_head(head(STORE, f"{name}: 5")).body_bytes == 5


NO_NUMBER = "content-length is not a number of bytes"
LENGTHS = {
    "empty": "",
    "negative": "-1",
    "signed": "+1",
    "hexadecimal": "0x10",
    "decimal point": "1.0",
    "exponent": "1e3",
    "a list of equals": "5, 5",
    "blank inside": "1 0",
    "underscore": "1_0",
    "superscript digit": "\xb2",
    "beyond 64 bits": "18446744073709551617",
    "a thousand digits": "1" * 1000,
}


@pytest.mark.parametrize("number", LENGTHS.values(), ids=LENGTHS.keys())
def test_a_content_length_that_is_no_number_is_refused(number: str) -> None:
    assert reason_of(head(STORE, f"Content-Length: {number}")) == NO_NUMBER


@pytest.mark.parametrize("number", [BODY_BYTES + 1, 9_999_999])
def test_a_body_over_the_limit_is_refused_by_its_length(number: int) -> None:
    reason = reason_of(head(STORE, f"Content-Length: {number}"))
    assert reason == "the body is larger than 16384 bytes"


@pytest.mark.parametrize("second", ["5", "6"], ids=["equal", "conflicting"])
def test_a_second_content_length_is_refused(second: str) -> None:
    reason = reason_of(head(STORE, "Content-Length: 5", f"content-length: {second}"))
    assert reason == "the header content-length stands twice"


@pytest.mark.parametrize("coding", ["chunked", "identity", "gzip, chunked", "", "xchunked"])
def test_a_transfer_encoding_is_refused(coding: str) -> None:
    reason = reason_of(head(STORE, f"Transfer-Encoding: {coding}"))
    assert reason == "transfer-encoding is not supported; send a content-length"


def test_a_transfer_encoding_beside_a_length_is_refused() -> None:
    reason = reason_of(head(STORE, "Content-Length: 5", "Transfer-Encoding: chunked"))
    assert "transfer-encoding" in reason


@pytest.mark.parametrize("value", ["100-continue", "100-Continue", "", "\t100-continue "])
def test_the_expectation_of_curl_is_understood(value: str) -> None:
    parsed = parse_head(head(STORE, "Content-Length: 5", f"Expect: {value}"))
    assert parsed.expects_continue is bool(value)


def test_another_expectation_is_refused() -> None:
    assert reason_of(head(STORE, "Expect: 200-ok")) == "the expectation is not supported"


@pytest.mark.parametrize("target", ["/list", "/healthz", "/metrics", f"/lookup/{ID}"])
def test_a_body_on_a_get_is_refused(target: str) -> None:
    name = target.split("/")[1]
    reason = reason_of(head(f"GET {target} HTTP/1.1", "Content-Length: 1"))
    assert reason == f"/{name} takes no body"


def test_a_body_on_a_delete_is_refused() -> None:
    reason = reason_of(head(f"DELETE /delete/{ID} HTTP/1.1", "Content-Length: 1"))
    assert reason == "/delete takes no body"
