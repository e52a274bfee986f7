"""One API call on its way to a handler: request, state, caller, parsed body."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.infisical import jwt
from tests.fakes.infisical.errors import ApiError, unauthorized, unreadable_body
from tests.fakes.infisical.messages import Request
from tests.fakes.infisical.model import Identity, Project
from tests.fakes.infisical.roles import project_for
from tests.fakes.infisical.state import State

_BEARER = len("Bearer ")  # the server drops this many characters without looking at them


@dataclass
class Call:
    """One API call; `caller` is None without an Authorization header."""

    request: Request
    state: State
    caller: Identity | None = None

    @property
    def identity(self) -> Identity:
        """The caller of a route that needs one.

        Raises:
            ApiError: 401 without a token.

        """
        if self.caller is None:
            raise unauthorized("Token missing")
        return self.caller

    @cached_property
    def body(self) -> Any:
        """The parsed body.

        Raises:
            ApiError: 500 for a body that does not parse or is over 1 MiB, as recorded.

        """
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self.request.too_large:
            raise unreadable_body()
        if kind == "application/json":
            return _parse(self.request.body)
        text = self.request.body.decode("utf-8", "replace")
        if kind == "application/x-www-form-urlencoded":
            return dict(parse_qsl(text, keep_blank_values=True))
        if kind == "text/plain":
            return text
        if self.request.body:
            raise unreadable_body()
        return None

    def project(self, project_id: str) -> Project:
        """Return a project that the caller is a member of, or refuse as roles.project_for does."""
        return project_for(self.state.projects, project_id, self.identity)


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise unreadable_body() from error


def bearer(request: Request) -> str | None:
    """Return the token of the Authorization header."""
    header = request.headers.get("authorization")
    return header[_BEARER:] if header is not None else None


def caller_of(request: Request, state: State) -> Identity | None:
    """Return who calls, on every route: a stale header is refused even at login.

    Raises:
        ApiError: 403 TokenError or 401, see jwt.verify and Tokens.check.

    """
    token = bearer(request)
    if token is None:
        return None
    claims = jwt.verify(token, state.clock.now())
    return state.tokens.check(state.by_identity_id(claims["identityId"]), claims)


def client_id_of(request: Request, state: State) -> str | None:
    """Return whose request this is, for the log: by token, or by the body of a login."""
    token = bearer(request)
    if token is not None:
        try:
            claims = jwt.verify(token, 0)
        except ApiError:
            return None
        identity = state.by_identity_id(claims["identityId"])
        return identity.client_id if identity is not None else None
    if not request.path.startswith("/api/v1/auth/universal-auth/login"):
        return None
    try:
        body = Call(request, state).body
    except ApiError:
        return None
    return str(body["clientId"]) if isinstance(body, dict) and "clientId" in body else None
