"""What a test says to a running stand-in through its control API."""

import base64
import json
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Any

from tests.fakes.infisical.certificates.remote import RemoteCertificates
from tests.fakes.infisical.seed import Text
from tests.fakes.infisical.tls import TlsFiles

CONTROL_SECONDS = 10.0


class StandInError(Exception):
    """The stand-in did not start, stop or obey."""


class Remote:
    """The control API of the stand-in at `url`; with TLS it trusts `tls.ca`."""

    def __init__(self, url: str = "", tls: TlsFiles | None = None) -> None:
        self.url = url
        self._tls = tls
        self.certificates = RemoteCertificates(self.control)

    def control(self, method: str, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the control API, for example `control("POST", "clock", {"offset": 60})`.

        Raises:
            StandInError: when the server refuses the call, with its reason.

        """
        request = urllib.request.Request(  # noqa: S310  (the URL is the stand-in's own)
            f"{self.url}/__control__/{name}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
        )
        try:
            with self._opener().open(request, timeout=CONTROL_SECONDS) as response:
                return dict(json.loads(response.read()))
        except urllib.error.HTTPError as error:
            raise StandInError(f"{method} {name}: {error.read().decode()}") from error

    def _opener(self) -> urllib.request.OpenerDirector:
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self._tls is not None:
            context = ssl.create_default_context(cafile=str(self._tls.ca))
            handlers.append(urllib.request.HTTPSHandler(context=context))
        return urllib.request.build_opener(*handlers)

    def requests(self, path_regex: str = "") -> list[dict[str, Any]]:
        """Return the logged API requests whose path matches, oldest first."""
        found: Iterable[dict[str, Any]] = self.control("GET", "requests")["requests"]
        return [entry for entry in found if re.search(path_regex, entry["path"])]

    def count(self, path_regex: str = "", method: str | None = None) -> int:
        """Return how many API requests matched."""
        found = self.requests(path_regex)
        return sum(1 for entry in found if method is None or entry["method"] == method)

    def bodies(self, path_regex: str = "") -> list[bytes]:
        """Return what was sent with the logged API requests whose path matches, oldest first."""
        found: Iterable[dict[str, str]] = self.control("GET", "bodies")["bodies"]
        fitting = (one for one in found if re.search(path_regex, one["path"]))
        return [base64.b64decode(one["body"]) for one in fitting]

    def clear_requests(self) -> None:
        """Empty the log."""
        self.control("DELETE", "requests")

    def fault(
        self,
        kind: str,
        path_regex: str = "",
        *,
        method: str | None = None,
        times: int | None = None,
        skip: int = 0,
        client: str | None = None,
        **parameters: Any,
    ) -> None:
        """Add a fault rule, for example `fault("status", "/secrets", status=503, times=1)`.

        With `client` only that client id's requests are meant.
        """
        match = {"method": method, "path_regex": path_regex, "client_id": client}
        rule = {"match": match, "times": times, "skip": skip, "fault": {"kind": kind} | parameters}
        self.control("POST", "faults", rule)

    def clear_faults(self) -> None:
        """Drop all fault rules and let go of what waits on one."""
        self.control("DELETE", "faults")

    def held(self) -> int:
        """Return how many requests a `hold` fault holds now."""
        return int(self.control("GET", "release")["held"])

    def wait_held(self, count: int, seconds: float = 10.0) -> None:
        """Wait until at least `count` requests are held.

        Raises:
            StandInError: when that does not happen in time.

        """
        deadline = time.monotonic() + seconds
        while self.held() < count:
            if time.monotonic() > deadline:
                raise StandInError(f"{self.held()} requests are held, not {count}")

    def release(self) -> int:
        """Let all held requests go on; return how many there were."""
        return int(self.control("POST", "release")["released"])

    def set_secret(
        self, project: str, environment: str, path: str, key: Text, value: Text | None
    ) -> None:
        """Set a secret past all rules for writing, or delete it with None; project: id or slug."""
        self.control(
            "POST",
            "secret",
            {
                "project": project,
                "environment": environment,
                "path": path,
                "key": key,
                "value": value,
            },
        )
