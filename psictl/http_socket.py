"""psi.sock as Podman's driver uses it, for ``status`` and for hosts without Podman."""

from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import httpx

from psi.shared.errors import Unreachable
from psi.shared.limits import REASON_CHARACTERS
from psi.shared.names import printable
from psictl.layout import Layout

REQUEST_SECONDS: Final = 35.0
"""The frontend answers within 30 s whatever happens behind it (r15)."""


class Answer(NamedTuple):
    """An HTTP status and the one line that explains it."""

    status: int
    reason: str


class HttpSocket:
    """Requests on psi.sock; a reply's body is never read, for none here has one that counts."""

    def __init__(self, layout: Layout, seconds: float = REQUEST_SECONDS) -> None:
        self._path: Path = layout.http_socket
        self._remedy = (
            "systemctl start psi-frontend.socket"
            if layout.is_host
            else f"start it with psictl dev --root {layout.root}"
        )
        self._client = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self._path)),
            base_url="http://localhost",
            timeout=seconds,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._client.close()

    def store(self, secret_id: str, mapping: bytes) -> Answer:
        """POST a mapping as Podman's driver does; raises Unreachable."""
        return self._request("POST", f"/store/{secret_id}", mapping)

    def health(self) -> Answer:
        """Ask whether lookups can be answered: 200 if so; raises Unreachable."""
        return self._request("GET", "/healthz", b"")

    def _request(self, method: str, route: str, content: bytes) -> Answer:
        try:
            with self._client.stream(method, route, content=content or None) as reply:
                return Answer(reply.status_code, _reason(reply))
        except httpx.HTTPError as error:
            raise Unreachable(f"{self._path}: {_cause(error)}; {self._remedy}") from error


def _reason(reply: httpx.Response) -> str:
    if reply.status_code == 200:
        return ""
    said = printable(reply.headers.get("psi-reason", ""), REASON_CHARACTERS)
    return said or f"HTTP status {reply.status_code}"


def _cause(error: BaseException) -> str:
    """Return the system's own words where httpx wrapped them, without an error number."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        inner = inner.__cause__ or inner.__context__
    return printable(str(error)) or type(error).__name__
