"""A small client of the API for the tests of the stand-in's own rules."""

from types import TracebackType
from typing import Any, Self

import httpx

from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed

ADMIN, SECRET = "00000000-0000-4000-8000-0000000000c1", "admin-secret"
PROJECT = "00000000-0000-4000-8000-0000000000c2"
LOGIN = "/api/v1/auth/universal-auth/login"


def simple_seed() -> Seed:
    """Return one administrator and one project with a secret in it."""
    project = ProjectSeed(PROJECT, "myproject").secrets_at("prod", "/myapp", KEY="value")
    return Seed([IdentitySeed(ADMIN, SECRET)], [project])


class Api:
    """A logged-in client; `where` is added to every query or body."""

    def __init__(self, stand_in: StandIn) -> None:
        self.http = httpx.Client(base_url=stand_in.url, trust_env=False)
        self.token = ""
        self.where = {"projectId": PROJECT, "environment": "prod", "secretPath": "/myapp"}

    def __enter__(self) -> Self:
        self.login()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.http.close()

    def login(self) -> httpx.Response:
        """Log in and keep the token when that succeeds."""
        body = {"clientId": ADMIN, "clientSecret": SECRET}
        answer = self.http.post(LOGIN, json=body)
        self.token = answer.json().get("accessToken", self.token)
        return answer

    def _headers(self, more: dict[str, str] | None = None) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} | (more or {})

    def get(
        self, path: str = "", headers: dict[str, str] | None = None, **query: str
    ) -> httpx.Response:
        """GET below /api/v4/secrets."""
        return self.http.get(
            f"/api/v4/secrets{path}", params=self.where | query, headers=self._headers(headers)
        )

    def send(self, method: str, path: str, **body: Any) -> httpx.Response:
        """Write below /api/v4/secrets."""
        return self.http.request(
            method, f"/api/v4/secrets{path}", json=self.where | body, headers=self._headers()
        )

    def values(self, **query: str) -> dict[str, str]:
        """List; return keys with values."""
        listed = self.get("", None, **query).raise_for_status().json()["secrets"]
        return {one["secretKey"]: one["secretValue"] for one in listed}

    def renew(self) -> httpx.Response:
        """Renew the token; keeps the old one."""
        return self.http.post("/api/v1/auth/token/renew", json={"accessToken": self.token})
