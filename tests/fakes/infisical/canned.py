"""Faults that are an answer: whole responses that Infisical would not give."""

import gzip
from collections.abc import Callable
from typing import Any

from tests.fakes.infisical.errors import unknown_route
from tests.fakes.infisical.ids import request_id
from tests.fakes.infisical.messages import Request, Response, json_response, to_json

HTML = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
_HTML_TYPE = {"content-type": "text/html; charset=utf-8"}
_ERROR_NAMES = {
    400: ("BadRequest", "Bad request"),
    401: ("UnauthorizedError", "Failed to authorize: token has been revoked"),
    403: ("PermissionDenied", "You are not allowed to readValue on secrets"),
    404: ("NotFound", "Secret not found"),
    429: ("RateLimitExceeded", "Rate limit exceeded. Please try again in 60 seconds"),
    504: ("GatewayTimeout", "Gateway timeout"),
}
_SOMETHING = ("InternalServerError", "Something went wrong")


def _status(fault: dict[str, Any], request: Request) -> Response:
    """Answer `status` with an Infisical error, or with `body` (text as it is, else JSON)."""
    status = int(fault["status"])
    error, message = _ERROR_NAMES.get(status, _SOMETHING)
    body: Any = {
        "reqId": request_id(),
        "statusCode": status,
        "message": fault.get("message", message),
        "error": fault.get("error", error),
    }
    if body["error"] == "PermissionDenied":
        body["details"] = []
    body = fault.get("body", body)
    response = json_response(body, status)
    if isinstance(body, str):
        response = Response(status, body.encode("utf-8", "surrogateescape"), dict(_HTML_TYPE))
    if fault.get("gzip"):
        response.body = gzip.compress(response.body)
        response.headers["content-encoding"] = "gzip"
    response.headers |= {name.lower(): value for name, value in fault.get("headers", {}).items()}
    return response


def _foreign_404(fault: dict[str, Any], request: Request) -> Response:
    """Answer 404 as a proxy does (`html`, the default) or as an older server's router does."""
    if fault.get("form", "html") == "route":
        return json_response(unknown_route(request.method, request.target), 404)
    return Response(404, HTML.format("404 Not Found").encode(), dict(_HTML_TYPE))


def _html_200(_: dict[str, Any], __: Request) -> Response:
    return Response(200, HTML.format("Infisical").encode(), dict(_HTML_TYPE))


def _invalid_json(_: dict[str, Any], __: Request) -> Response:
    return Response(200, b'{"secrets": [', {"content-type": "application/json; charset=utf-8"})


def _wrong_type(fault: dict[str, Any], __: Request) -> Response:
    """Answer valid JSON of another shape: `body`, or fields whose types are all wrong."""
    shape = {"secrets": {"no": "list"}, "secret": [1], "accessToken": 7, "expiresIn": "soon"}
    return Response(200, to_json(fault.get("body", shape)), {"content-type": "application/json"})


def _redirect(fault: dict[str, Any], __: Request) -> Response:
    return Response(int(fault.get("status", 302)), b"", {"location": str(fault["location"])})


CANNED: dict[str, Callable[[dict[str, Any], Request], Response]] = {
    "status": _status,
    "foreign_404": _foreign_404,
    "html_200": _html_200,
    "invalid_json": _invalid_json,
    "wrong_type": _wrong_type,
    "redirect": _redirect,
}
