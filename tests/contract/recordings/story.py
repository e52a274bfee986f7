"""Replays all recordings in their order against one stand-in.

The recordings are one visit to one server, so each is met in the state that the ones before
it left. What happened in between without a recording is in `interludes.py`.
"""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.contract.recordings.comparison import Comparison
from tests.contract.recordings.recorded_instance import (
    ADMIN,
    CERTIFICATES_PROJECT,
    MEMBER,
    OUTSIDER,
    PROJECT,
    SECRETS,
    VIEWER,
)
from tests.contract.recordings.recording import Recording
from tests.fakes.infisical.process import StandIn

# Seconds between two recordings: tells their times apart, and all of them stay in one second.
STEP = 0.005


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
        for client_id in (ADMIN, VIEWER, OUTSIDER, MEMBER):
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

    def play(self, recording: Recording, caller: str = ADMIN) -> Answer:
        """Send a recording's request as the caller of that time."""
        self.advance(STEP)
        headers = dict(recording.request_headers)
        if "authorization" in headers:
            headers["authorization"] = f"Bearer {self.tokens[caller]}"
        if "if-none-match" in headers:
            headers["if-none-match"] = self.comparison.to_answer[headers["if-none-match"]]
        query = f"?{urlencode(recording.query)}" if recording.query else ""
        learnt = self.comparison.to_answer
        path = "/".join(learnt.get(part, part) for part in recording.path.split("/"))
        return self.send(
            recording.method, path + query, headers, self._body(recording.request_body)
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
