"""The grammar of a request's first line: six routes, an id, nothing else."""

import pytest

from psi.frontend.head import BadRequest, Head, Route, parse_head

ID = "0123456789abcdef012345678"
METHODS = ("GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get")
RIGHT = {
    f"/lookup/{ID}": "GET",
    f"/store/{ID}": "POST",
    f"/delete/{ID}": "DELETE",
    "/list": "GET",
    "/healthz": "GET",
    "/metrics": "GET",
}


def head(line: str, *fields: str) -> bytes:
    return "".join(f"{part}\r\n" for part in (line, *fields, "")).encode("latin-1")


def reason_of(data: bytes) -> str:
    with pytest.raises(BadRequest) as refused:
        parse_head(data)
    reason = str(refused.value)
    assert 1 <= len(reason) <= 200, reason
    assert reason.isascii(), reason
    assert reason.isprintable(), reason
    return reason


@pytest.mark.parametrize(("target", "method"), RIGHT.items())
def test_a_route_with_its_method_is_understood(target: str, method: str) -> None:
    parsed = parse_head(head(f"{method} {target} HTTP/1.1", "Host: localhost"))
    _, name, *ids = target.split("/")
    assert parsed == Head(Route(name), "".join(ids), 0, expects_continue=False)


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_both_versions_of_http_1_are_understood(version: str) -> None:
    assert parse_head(head(f"GET /lookup/{ID} {version}")).secret_id == ID


WRONG = [(target, m) for target, right in RIGHT.items() for m in METHODS if m != right]


@pytest.mark.parametrize(("target", "method"), WRONG)
def test_a_wrong_method_is_refused_with_the_right_one(target: str, method: str) -> None:
    name = target.split("/")[1]
    expected = f"/{name} takes {RIGHT[target]}"
    assert reason_of(head(f"{method} {target} HTTP/1.1")) == expected


ID_REASON = "/lookup/ID takes a secret id of 25 lowercase hex digits"
MALFORMED_IDS = {
    "empty": "",
    "24 digits": ID[:-1],
    "26 digits": ID + "0",
    "upper case": ID.upper(),
    "mixed case": ID[:-1] + "A",
    "no hex digit": ID[:-1] + "g",
    "newline at the end": ID + "\n",
    "NUL at the end": ID + "\0",
    "NUL inside": ID[:5] + "\0" + ID[6:],
    "percent-encoded": "%30" + ID[1:],
    "slash behind it": ID + "/",
    "query": ID + "?x=1",
    "fragment": ID + "#x",
    "parameter": ID + ";x=1",
    "a second id": ID + "/" + ID,
    "fullwidth digit": ID[:-3] + "\xef\xbc\x90",
    "traversal": "../../etc/passwd",
    "encoded traversal": "%2e%2e/%2e%2e/etc/passwd",
    "traversal after an id": ID + "/../../etc/passwd",
    "another route": f"../delete/{ID}",
}


@pytest.mark.parametrize("secret_id", MALFORMED_IDS.values(), ids=MALFORMED_IDS.keys())
def test_a_malformed_id_is_refused(secret_id: str) -> None:
    assert reason_of(head(f"GET /lookup/{secret_id} HTTP/1.1")) == ID_REASON


def test_an_id_of_25_hex_digits_is_accepted() -> None:
    assert parse_head(head(f"GET /lookup/{'0' * 25} HTTP/1.1")).secret_id == "0" * 25


NO_ROUTE = "there is no such route; see /lookup, /store, /delete, /list, /healthz, /metrics"
UNKNOWN_TARGETS = {
    "another name": "/secrets",
    "root": "/",
    "asterisk": "*",
    "upper case": f"/LOOKUP/{ID}",
    "prefix of a route": "/look",
    "route and more": "/healthzz",
    "encoded route": "/%6cist",
    "traversal to a route": "/x/../list",
    "absolute form": f"http://localhost/lookup/{ID}",
    "authority form": "localhost:80",
    "NUL before the name": "/\0list",
    "query": "/list?",
}


@pytest.mark.parametrize("target", UNKNOWN_TARGETS.values(), ids=UNKNOWN_TARGETS.keys())
def test_an_unknown_route_is_refused(target: str) -> None:
    assert reason_of(head(f"GET {target} HTTP/1.1")) == NO_ROUTE


@pytest.mark.parametrize("target", ["/list/", f"/list/{ID}", "/healthz/x", "/metrics/../list"])
def test_a_route_without_an_id_takes_none(target: str) -> None:
    assert "takes nothing behind it" in reason_of(head(f"GET {target} HTTP/1.1"))


NO_LINE = "the request line is not METHOD /route HTTP/1.1"
LINES = {
    "HTTP/0.9": f"GET /lookup/{ID}",
    "HTTP/2": "GET /list HTTP/2",
    "HTTP/2 preface": "PRI * HTTP/2.0",
    "HTTP/1.2": "GET /list HTTP/1.2",
    "HTTP/1.10": "GET /list HTTP/1.10",
    "HTTP/11": "GET /list HTTP/11",
    "lower-case version": "GET /list http/1.1",
    "two blanks": "GET  /list HTTP/1.1",
    "tab": "GET\t/list\tHTTP/1.1",
    "blank first": " GET /list HTTP/1.1",
    "blank at the end": "GET /list HTTP/1.1 ",
    "blank in the target": "GET /li st HTTP/1.1",
    "newline inside": "GET /list HTTP/1.1\nX: y",
    "nothing": "",
    "NUL": "\0",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_what_is_no_request_line_is_refused(line: str) -> None:
    assert reason_of(head(line)) == NO_LINE


def test_the_two_slashes_of_a_careless_client_are_refused() -> None:
    assert reason_of(head("GET //list HTTP/1.1")) == "/list takes nothing behind it"
