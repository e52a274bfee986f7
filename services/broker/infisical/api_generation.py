"""Which generation of Infisical's API the server speaks: v4, or the older v3 raw.

A server without v4 answers its routes with the 404 of an unknown route, which has no ``reqId``;
so does any web server in Infisical's place, and so may a proxy for a moment. Only a server that
has not shown v4 lately is asked for v3, and only a genuine answer settles it.
"""

from enum import StrEnum

from psi.broker.infisical.clock import Clock
from psi.broker.infisical.outcome import Kind, UpstreamError

PROBE_SECONDS = 3600
"""What was found holds so long: an upgraded server is noticed within it, at one request's cost."""


class Api(StrEnum):
    """A generation of the routes for secrets."""

    V4 = "v4"
    V3 = "v3"


class ApiGeneration:
    """What the one configured server speaks, for as long as the process runs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spoken: Api | None = None
        self._since = 0.0

    @property
    def spoken(self) -> Api | None:
        """What the server has lately shown to speak; None if it must be found out."""
        fresh = self._clock.boot() < self._since + PROBE_SECONDS
        return self._spoken if fresh else None

    def shown(self) -> str:
        """Return what status shows: the last that was found, or ``unknown``."""
        return self._spoken.value if self._spoken is not None else "unknown"

    def note(self, api: Api) -> None:
        """Note a genuine answer; v3 is not noted younger, so that v4 is tried again in time."""
        if api is Api.V4 or self.spoken is not api:
            self._spoken, self._since = api, self._clock.boot()

    def forget(self) -> None:
        """Have it found out anew."""
        self._since = -PROBE_SECONDS


def settles(error: UpstreamError) -> bool:
    """Tell whether an error shows that the route exists: its handler answered.

    A refused token or a rate limit comes before the route is looked at.
    """
    return error.kind is Kind.ABSENT or error.permission
