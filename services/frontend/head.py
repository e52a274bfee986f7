r"""The grammar of an HTTP request on psi.sock: six routes, one anchored expression.

Smaller than any library, and memory-safe. Quantifiers are possessive, so a hostile head costs
time linear in its length. What does not match is diagnosed for the caller, then refused.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from psi.shared.limits import BODY_BYTES, HEAD_BYTES

END = b"\r\n\r\n"
OVERSIZED = f"the request head is larger than {HEAD_BYTES} bytes"


class Route(StrEnum):
    """The routes of psi.sock."""

    LOOKUP = "lookup"
    STORE = "store"
    DELETE = "delete"
    LIST = "list"
    HEALTHZ = "healthz"
    METRICS = "metrics"


class Head(NamedTuple):
    """A request head that was understood."""

    route: Route
    secret_id: str
    """Empty on routes without one."""
    body_bytes: int
    expects_continue: bool


class BadRequest(ValueError):
    """The head is not of the grammar; the text is the reason for the caller."""


_METHODS = {
    Route.LOOKUP: b"GET",
    Route.STORE: b"POST",
    Route.DELETE: b"DELETE",
    Route.LIST: b"GET",
    Route.HEALTHZ: b"GET",
    Route.METRICS: b"GET",
}
_ROUTES = {route.encode(): route for route in Route}
_ID = rb"/(?:lookup|store|delete)/([0-9a-f]{25})"
_HEADER = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e\x80-\xff]*+\r\n"
_HEAD = re.compile(
    rb"(GET|POST|DELETE) /(?:(lookup|store|delete)/([0-9a-f]{25})|(list|healthz|metrics))"
    rb" HTTP/1\.[01]\r\n((?:" + _HEADER + rb")*+)\r\n"
)
# What curl sends for a lookup, which is all that a container start waits for: one match.
_LOOKUP = re.compile(
    rb"GET /lookup/([0-9a-f]{25}) HTTP/1\.[01]\r\n"
    rb"(?:(?!(?i:content-length|transfer-encoding|expect):)" + _HEADER + rb")*+\r\n"
)
_FRAMING = re.compile(
    rb"^(content-length|transfer-encoding|expect):([^\r]*+)\r$",
    re.IGNORECASE | re.MULTILINE,
)
_LENGTH = re.compile(rb"[0-9]{1,7}")


def parse_head(untrusted_head: bytes) -> Head:
    """Return the parsed head, which ends with an empty line; raises BadRequest."""
    lookup = _LOOKUP.fullmatch(untrusted_head)
    if lookup is not None:
        return Head(Route.LOOKUP, lookup[1].decode(), 0, expects_continue=False)
    match = _HEAD.fullmatch(untrusted_head)
    if match is None:
        raise BadRequest(_diagnose(untrusted_head))
    method, with_id, secret_id, without_id, headers = match.groups()
    route = _ROUTES[with_id or without_id]
    if _METHODS[route] != method:
        raise BadRequest(f"/{route} takes {_METHODS[route].decode()}")
    length, expects = _framing(headers)
    if length and route is not Route.STORE:
        raise BadRequest(f"/{route} takes no body")
    return Head(route, secret_id.decode() if secret_id else "", length, expects)


def _framing(headers: bytes) -> tuple[int, bool]:
    """Return the body's length and whether 100 Continue is awaited; refuse what is doubtful."""
    fields: dict[bytes, bytes] = {}
    for name, value in _FRAMING.findall(headers):
        if name.lower() in fields:
            raise BadRequest(f"the header {name.decode().lower()} stands twice")
        fields[name.lower()] = value.strip(b"\t ")
    if b"transfer-encoding" in fields:
        raise BadRequest("transfer-encoding is not supported; send a content-length")
    length = fields.get(b"content-length", b"0")
    if _LENGTH.fullmatch(length) is None:
        raise BadRequest("content-length is not a number of bytes")
    if int(length) > BODY_BYTES:
        raise BadRequest(f"the body is larger than {BODY_BYTES} bytes")
    expectation = fields.get(b"expect", b"").lower()
    if expectation not in {b"", b"100-continue"}:
        raise BadRequest("the expectation is not supported")
    return int(length), bool(expectation)


def _diagnose(untrusted_head: bytes) -> str:
    """Say which part is wrong; the text repeats nothing of the request."""
    line, _, headers = untrusted_head.partition(b"\r\n")
    words = line.split(b" ")
    if len(words) != 3 or re.fullmatch(rb"HTTP/1\.[01]", words[2]) is None:
        return "the request line is not METHOD /route HTTP/1.1"
    method, target, _ = words
    name = target.lstrip(b"/").partition(b"/")[0].decode("ascii", "replace")
    if name not in set(Route):
        return "there is no such route; see /lookup, /store, /delete, /list, /healthz, /metrics"
    if method != _METHODS[Route(name)]:
        return f"/{name} takes {_METHODS[Route(name)].decode()}"
    if re.fullmatch(_ID, target) is None and name in {"lookup", "store", "delete"}:
        return f"/{name}/ID takes a secret id of 25 lowercase hex digits"
    if headers.startswith(b"\r\n") or re.fullmatch(rb"(?:" + _HEADER + rb")*+\r\n", headers):
        return f"/{name} takes nothing behind it"
    return "a header is malformed"
