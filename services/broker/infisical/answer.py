"""The classifier of answers that are not 200: status and body in, one error out.

Infisical's errors are ``{reqId, statusCode, message, error}``; ``error`` names differ by route
for one cause, so the status decides, and a 404 is genuine only with a ``reqId`` (Infisical
error-handler; recorded from a server of July 2026).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from psi.broker.infisical.outcome import WORDS_CHARACTERS, Kind, Repeat, UpstreamError, foreign
from psi.shared.secret import SecretBytes
from psi.shared.text import ascii_line

MAX_RETRY_AFTER_SECONDS = 3600
"""Infisical's window is 60 s; a foreign header may not silence us for longer than this."""
_PERMISSION_ERRORS = {"PermissionDenied", "ProjectMembershipNotFound"}
_AGAIN_IN = re.compile(r"try again in (\d{1,6}) seconds")
_REPEATS = {500: Repeat.ONCE, 502: Repeat.LATER, 503: Repeat.LATER, 504: Repeat.LATER}
_SHORT_SECRET_BYTES = 4
"""A shorter secret is no word to search for: it would blot out ordinary text."""


class Problem(msgspec.Struct, rename="camel"):
    """An Infisical error body; a 422 has a list of Zod issues for its message."""

    message: str | list[Any]
    req_id: str | None = None
    error: str | None = None

    def words(self, sent: Sequence[SecretBytes]) -> str:
        """Return the message, short and clean, without the secrets that the request held."""
        text = self.message if isinstance(self.message, str) else _issues(self.message)
        for secret in sent:
            if len(secret) >= _SHORT_SECRET_BYTES:
                text = text.replace(secret.reveal().decode(errors="replace"), "(secret)")
        return ascii_line(text, WORDS_CHARACTERS)


def _issues(issues: list[Any]) -> str:
    """Return Zod issues as text: ``accessToken: Required``."""
    found = [issue for issue in issues if isinstance(issue, dict)]
    return ", ".join(
        ".".join(str(step) for step in issue.get("path") or []) + f": {issue.get('message')}"
        for issue in found[:3]
    )


def read_problem(body: bytes) -> Problem | None:
    """Return the error body, or None where it is not one of Infisical's."""
    try:
        return msgspec.json.decode(body, type=Problem)
    except (ValueError, RecursionError):
        return None


def classify_answer(
    status: int, headers: Mapping[str, str], body: bytes, sent: Sequence[SecretBytes] = ()
) -> UpstreamError:
    """Return the error that an answer other than 200 means.

    ``headers`` are found by their lower-case names; ``sent`` are the secrets of the request,
    which an echo must not put into a log.
    """
    problem = read_problem(body)
    words = problem.words(sent) if problem else ""
    if status >= 500:
        return _server_error(status, headers.get("retry-after"), words)
    if status == 429:
        return _limited(headers.get("retry-after"), words)
    if 300 <= status < 400:
        return foreign(f"a redirect ({status})", status)
    if status == 404 and (problem is None or problem.req_id is None):
        return _no_route()
    if status < 400 or problem is None:
        return foreign(f"status {status} without Infisical's error body", status)
    return _genuine(status, problem, words)


def _no_route() -> UpstreamError:
    error = foreign("a 404 without a reqId, from another server or an API older than v3", 404)
    error.no_route = True
    return error


def _server_error(status: int, retry_after: str | None, words: str) -> UpstreamError:
    text = f"Infisical or a proxy before it failed with {status} {words}".rstrip()
    text = f"{text}; see the server's log"
    error = UpstreamError(Kind.TRANSPORT, text, status=status, words=words)
    error.repeat = _REPEATS.get(status, Repeat.NO)
    error.retry_after = _seconds(retry_after) if status == 503 else None
    return error


def _limited(retry_after: str | None, words: str) -> UpstreamError:
    found = _AGAIN_IN.search(words)
    text = retry_after if retry_after is not None else found[1] if found else ""
    seconds = _seconds(text)
    again = f"in {seconds} s" if seconds is not None else "later"
    text = f"Infisical's rate limit is reached; it may be asked again {again}"
    error = UpstreamError(Kind.LIMITED, text, status=429, words=words)
    error.repeat = Repeat.LATER
    error.retry_after = seconds
    return error


def _seconds(text: str | None) -> int | None:
    """Return a Retry-After in seconds, bounded; its form as a date is not read."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 6):
        return None
    return min(int(text), MAX_RETRY_AFTER_SECONDS)


def _genuine(status: int, problem: Problem, words: str) -> UpstreamError:
    if status == 404:
        text = f"Infisical: {words}; check project, environment, path and key"
        return UpstreamError(Kind.ABSENT, text, status=status, words=words)
    if status == 401 or (status == 403 and problem.error == "TokenError"):
        text = f"Infisical refuses our credential or token ({words}); run psictl infisical login"
        error = UpstreamError(Kind.REFUSED, text, status=status, words=words)
        error.token = True
        return error
    if status == 403:
        return _forbidden(problem, words)
    text = f"Infisical refuses the request ({status}: {words}); check project, environment and path"
    return UpstreamError(Kind.REFUSED, text, status=status, words=words)


def _forbidden(problem: Problem, words: str) -> UpstreamError:
    """Tell a denial from an untrusted address and from a reference that failed to expand."""
    message = str(problem.message)
    aside = "IP address" in message or "expand" in message
    permission = problem.error in _PERMISSION_ERRORS and not aside
    remedy = (
        "give the identity read access to the project"
        if permission
        else "check the identity's trusted addresses and rights"
    )
    text = f"Infisical denies this identity access ({words}); {remedy}"
    error = UpstreamError(Kind.REFUSED, text, status=403, words=words)
    error.permission = permission
    return error
