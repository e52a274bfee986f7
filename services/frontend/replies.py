"""What is sent back: every reply has a Content-Length and ends the connection.

curl takes a 200 that is cut short without a Content-Length for the whole value, an empty 200
or a 204 for an empty value, and a 3xx body for the value: none of these is ever sent.
"""

import json

from psi.shared.messages.broker import BrokerError
from psi.shared.text import ascii_line

_PHRASES = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
STATUS_OF = {
    BrokerError.UNKNOWN_ID: 404,
    BrokerError.BAD_MAPPING: 400,
    BrokerError.FORBIDDEN: 403,
    BrokerError.CONFLICT: 403,
    BrokerError.FULL: 503,
    BrokerError.ABSENT: 404,
    BrokerError.BAD_VALUE: 502,
    BrokerError.REFUSED: 502,
    BrokerError.FOREIGN: 502,
    BrokerError.LIMITED: 503,
    BrokerError.UNREACHABLE: 503,
    BrokerError.UNSERVED: 502,
    BrokerError.STALE: 503,
    BrokerError.SEALER: 503,
    BrokerError.DRAINING: 503,
    BrokerError.INTERNAL: 502,
}
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n"
_VALUE = _OK + b"Content-Type: application/octet-stream\r\n\r\n"
_TEXT = _OK + b"Content-Type: text/plain; version=0.0.4\r\n\r\n"
NOTHING = _OK % 0 + b"\r\n"
"""Podman prints what store and delete print, and takes every line of list for an id."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def value_reply(value: bytes) -> bytes:
    """Return the reply that hands over a value; raises ValueError for an empty one."""
    if not value:
        raise ValueError("an empty value is never a reply")
    return _VALUE % len(value) + value


def text_reply(text: str) -> bytes:
    """Return a reply of plain text."""
    body = text.encode()
    return _TEXT % len(body) + body


def error_reply(status: int, error: str, detail: str) -> bytes:
    """Return a refusal: the reason as one header line of ASCII, and as JSON."""
    reason = ascii_line(detail)
    body = json.dumps({"error": error, "detail": reason}).encode()
    head = (
        f"HTTP/1.1 {status} {_PHRASES[status]}\r\nContent-Length: {len(body)}\r\n"
        f"Connection: close\r\nPSI-Reason: {reason}\r\n"
        "Content-Type: application/json\r\n\r\n"
    )
    return head.encode("ascii") + body


def refusal_reply(code: str, detail: str) -> tuple[int, bytes]:
    """Return status and reply for a broker's refusal."""
    status = STATUS_OF.get(BrokerError(code), 502) if code in set(BrokerError) else 502
    return status, error_reply(status, code, detail)
