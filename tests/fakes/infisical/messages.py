"""HTTP requests and responses as this server handles them, and JSON on the wire."""

import codecs
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

JSON_TYPE = "application/json; charset=utf-8"

REASONS = {
    200: "OK",
    302: "Found",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def _wire_surrogates(error: UnicodeError) -> tuple[bytes, int]:
    """Put bytes of a hostile seed on the wire raw; escape other lone surrogates as Node does."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    out = bytearray()
    for character in error.object[error.start : error.end]:
        code = ord(character)
        out += bytes([code - 0xDC00]) if 0xDC80 <= code <= 0xDCFF else b"\\u%04x" % code
    return bytes(out), error.end


codecs.register_error("stand-in-wire", _wire_surrogates)


def to_json(value: Any) -> bytes:
    """Return compact UTF-8 JSON, as JSON.stringify writes it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "stand-in-wire")


@dataclass(slots=True)
class Request:
    """One parsed request; header names are lower case, `target` is path and query as sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    peer: str
    too_large: bool = False
    params: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path as sent, without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, Any]:
        """The query; a repeated name gives a list, as Node's parser does."""
        fields: dict[str, Any] = {}
        for name, value in parse_qsl(self.target.partition("?")[2], keep_blank_values=True):
            if name not in fields:
                fields[name] = value
            elif isinstance(fields[name], list):
                fields[name].append(value)
            else:
                fields[name] = [fields[name], value]
        return fields


@dataclass(slots=True)
class Response:
    """One response to be sent with a Content-Length."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def head(self, length: int | None = None, extra: dict[str, str] | None = None) -> bytes:
        """Return status line and headers; `length` overrides the announced Content-Length."""
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Unknown')}"]
        headers = self.headers | (extra or {})
        headers.setdefault("content-length", str(len(self.body) if length is None else length))
        headers.setdefault("connection", "keep-alive")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def encode(self) -> bytes:
        """Return the whole response."""
        return self.head() + self.body


def json_response(value: Any, status: int = 200) -> Response:
    """Return a JSON response with Infisical's content type."""
    return Response(status, to_json(value), {"content-type": JSON_TYPE})
