"""Conditional requests: the framework's ETag on everything, the service's own on listings."""

import base64
import hashlib

from tests.fakes.infisical.messages import Request, Response


def body_etag(body: bytes) -> str:
    """Return what @fastify/etag sets: base64 SHA-1 of the body."""
    return f'"{base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()}"'


def content_etag(body: bytes) -> str:
    """Return a listing's ETag: unpadded URL-safe base64 of a SHA-256 of the content."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).decode().rstrip("=")
    return f'"{digest}"'


def conditional(request: Request, response: Response) -> Response:
    """Set the ETag if missing, and answer 304 when the client has it.

    A weak form of the tag matches; lists and `*` do not (seen on a real server).
    """
    etag = response.headers.setdefault("etag", body_etag(response.body))
    sent = request.headers.get("if-none-match")
    if sent is None or sent.removeprefix("W/") != etag:
        return response
    kept = {
        name: value for name, value in response.headers.items() if name.startswith("x-ratelimit")
    }
    return Response(304, b"", {"etag": etag} | kept)
