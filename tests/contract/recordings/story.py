"""Replays all recordings in their order against one stand-in.

The recordings are one session with one server, so each is met in the state that the ones before
it left. What happened in between without a recording is done here.
"""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.contract.recordings.comparison import Comparison
from tests.contract.recordings.recording import Recording
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed

PROJECT = "a91c82f8-6951-416a-a010-9d70fd209b15"
CERTIFICATES_PROJECT = "b0168e7b-5511-4379-9672-7bfecf663c8d"
ADMIN = "5d71762e-b0c0-43ba-b30b-dc7b30226fd3"
LOCKED = "2a4edc62-f423-4dda-af03-8fb4d76f590d"
SHORT = "3bf2ab8f-66d8-413f-8561-734b38da898f"
VIEWER = "00000000-0000-4000-8000-0000000000a1"
OUTSIDER = "00000000-0000-4000-8000-0000000000a2"
SECRETS = {
    ADMIN: "89fe91d872e549bedc1d726c931cb3bdf1471147dc1513018d51367f438e63f2",
    LOCKED: "9603009f989f57d6c997b4d62e1a334154d9df8286bb564afc8987ea0ce464b5",
    SHORT: "b54b9867183dc76bc01eca5a08763e749126518e3d44559340431e161634ac7c",
    VIEWER: "viewer-secret",
    OUTSIDER: "outsider-secret",
}
# Seconds between two recordings: tells their times apart, and all of them stay in one second.
STEP = 0.005
LIST = "/api/v4/secrets"


def seed() -> Seed:
    """Return the instance as it was before the first recording."""
    identities = [
        IdentitySeed(ADMIN, SECRETS[ADMIN], "ci-admin", "admin"),
        IdentitySeed(LOCKED, SECRETS[LOCKED], "to-be-locked", "none"),
        IdentitySeed(SHORT, SECRETS[SHORT], "short-lived", "admin", ttl=20, max_ttl=60),
        IdentitySeed(VIEWER, SECRETS[VIEWER], "viewer", "viewer"),
        IdentitySeed(OUTSIDER, SECRETS[OUTSIDER], "outsider", "none"),
    ]
    three = ["dev", "staging", "prod"]
    projects = [
        ProjectSeed(PROJECT, "lab-secrets", "lab-secrets", [*three, "qa"]),
        ProjectSeed(CERTIFICATES_PROJECT, "lab-certs", "lab-certs", three, type="cert-manager"),
    ]
    return Seed(identities, projects)


@dataclass(frozen=True)
class Answer:
    """What the stand-in answered."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes


class Story:
    """One replay: the stand-in, the tokens at hand, and what was learnt so far."""

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.comparison = Comparison()
        for fixed in (PROJECT, CERTIFICATES_PROJECT):
            self.comparison.same(fixed, fixed)
        self.offset = 0.0
        self.tokens: dict[str, str] = {}
        stand_in.control("POST", "clock", {"frozen": True})
        for client_id in (ADMIN, VIEWER, OUTSIDER):
            self.tokens[client_id] = self.login(client_id)

    def advance(self, seconds: float) -> None:
        """Move the server's clock."""
        self.offset += seconds
        self.stand_in.control("POST", "clock", {"offset": self.offset})

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """Send one request as it is."""
        connection = http.client.HTTPConnection(urlsplit(self.stand_in.url).netloc, timeout=10)
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, response.reason, found, response.read())
        finally:
            connection.close()

    def call(self, method: str, path: str, body: Any, token: str | None = None) -> Any:
        """Make a call that no recording shows; return the parsed answer."""
        headers = {"content-type": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return json.loads(self.send(method, path, headers, json.dumps(body).encode()).body)

    def login(self, client_id: str, client_secret: str | None = None) -> str:
        """Log in; return the token, or "" when refused."""
        body = {"clientId": client_id, "clientSecret": client_secret or SECRETS[client_id]}
        answer = self.call("POST", "/api/v1/auth/universal-auth/login", body)
        return str(answer.get("accessToken", ""))

    def renew(self, token: str) -> str:
        """Renew a token."""
        answer = self.call("POST", "/api/v1/auth/token/renew", {"accessToken": token})
        return str(answer["accessToken"])

    def play(self, recording: Recording) -> Answer:
        """Bring the state about, then send the recording's request."""
        self.advance(STEP)
        prepare = _BEFORE.get(recording.number)
        if prepare is not None:
            prepare(self, recording)
        headers = dict(recording.request_headers)
        if "authorization" in headers:
            whose = _CALLERS.get(recording.number, ADMIN)
            headers["authorization"] = f"Bearer {self.tokens[whose]}"
        if "if-none-match" in headers:
            headers["if-none-match"] = self.comparison.to_answer[headers["if-none-match"]]
        query = f"?{urlencode(recording.query)}" if recording.query else ""
        return self.send(
            recording.method, recording.path + query, headers, self._body(recording.request_body)
        )

    def _body(self, recorded: Any) -> bytes | None:
        if recorded is None:
            return None
        if isinstance(recorded, str):
            return recorded.encode()
        learnt = self.comparison.to_answer
        mine = {
            name: learnt.get(value, value) if isinstance(value, str) else value
            for name, value in recorded.items()
        }
        return json.dumps(mine).encode()


# Whose token a recording was made with, where that is not the administrator's.
_CALLERS = {
    "48b": "garbage",
    "48c": "bad signature",
    "70": VIEWER,
    "71": VIEWER,
    "72": OUTSIDER,
    "73": OUTSIDER,
    "91b": "short",
    "92": "short",
    "94b": "revoked",
    "94c": "sibling",
}


def _two_more_failures(story: Story, _: Recording) -> None:
    for _number in range(2):
        story.login(LOCKED, "0" * 64)


def _make_shared_folder(story: Story, _: Recording) -> None:
    body = {"projectId": PROJECT, "environment": "dev", "name": "shared", "path": "/"}
    story.call("POST", "/api/v2/folders", body, story.tokens[ADMIN])


def _bad_tokens(story: Story, _: Recording) -> None:
    good = story.tokens[ADMIN]
    story.tokens["garbage"] = "garbage"
    story.tokens["bad signature"] = good[:-43] + "A" * 43


def _upsert(story: Story, _: Recording) -> None:
    secrets = [
        {"secretKey": "ALPHA", "secretValue": "one-v5"},
        {"secretKey": "UPSERTED", "secretValue": "u"},
    ]
    body = {
        "projectId": PROJECT,
        "environment": "dev",
        "secretPath": "/",
        "mode": "upsert",
        "secrets": secrets,
    }
    story.call("PATCH", "/api/v4/secrets/batch", body, story.tokens[ADMIN])


def _three_seconds_later(story: Story, recording: Recording) -> None:
    story.tokens["short"] = story.comparison.to_answer[recording.request_body["accessToken"]]
    story.advance(3)


def _past_its_expiry(story: Story, _: Recording) -> None:
    story.advance(18)


def _past_the_maximum(story: Story, recording: Recording) -> None:
    """Keep a login's token alive by renewal until its maximum cuts it short, then outlive it."""
    token = story.login(SHORT)
    for _number in range(3):
        story.advance(19)
        token = story.renew(token)
    story.advance(4)
    story.comparison.same(recording.request_body["accessToken"], token)


def _renewed_token(story: Story, recording: Recording) -> None:
    story.tokens["revoked"] = story.login(ADMIN)
    story.tokens["sibling"] = story.renew(story.tokens["revoked"])
    story.comparison.same(recording.request_body["accessToken"], story.tokens["revoked"])


def _switch_limits_on(story: Story, _: Recording) -> None:
    key = {"project": CERTIFICATES_PROJECT, "kms_certificate_key_id": VIEWER}
    story.stand_in.control("POST", "project", key)
    story.stand_in.control("POST", "ratelimit", {"enabled": True})


def _use_up_listings(story: Story, recording: Recording) -> None:
    headers = {"authorization": f"Bearer {story.tokens[ADMIN]}"}
    for _number in range(39):
        story.send("GET", f"{LIST}?{urlencode(recording.query)}", headers, None)


def _use_up_logins(story: Story, _: Recording) -> None:
    for _number in range(199):
        story.call("POST", "/api/v1/auth/universal-auth/login", {})
    story.advance(1)


_BEFORE: dict[str, Callable[[Story, Recording], None]] = {
    "17": _two_more_failures,
    "30": _make_shared_folder,
    "48b": _bad_tokens,
    "63": _upsert,
    "91": _three_seconds_later,
    "92": _past_its_expiry,
    "93": _past_the_maximum,
    "94": _renewed_token,
    "A0": _switch_limits_on,
    "A2": _use_up_listings,
    "A5": _use_up_logins,
}
