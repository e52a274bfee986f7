"""One row of the routing table."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from tests.fakes.infisical.call import Call
from tests.fakes.infisical.messages import Response

Handler = Callable[[Call], Response]


@dataclass(slots=True, frozen=True)
class Route:
    """One route; `bucket` names its rate limit, `needs_token` whether a caller is asked for."""

    method: str
    pattern: str
    handler: Handler
    bucket: str | None
    needs_token: bool = True

    @property
    def name(self) -> str:
        """The route as the counters name it."""
        return f"{self.method} {self.pattern}"

    def match(self, segments: list[str], longest: int) -> dict[str, str] | None:
        """Return the parameters of a path of as many segments, decoded, or None if it is another's.

        A parameter of no characters or of more than `longest` is an unknown route.
        """
        found = {}
        for mine, theirs in zip(self.pattern.split("/"), segments, strict=True):
            if not mine.startswith(":"):
                if mine != theirs:
                    return None
                continue
            found[mine[1:]] = value = unquote(theirs)
            if not value or len(value) > longest:
                return None
        return found
