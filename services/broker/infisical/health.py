"""How asking Infisical has been going, for status."""

from dataclasses import dataclass

from psi.broker.infisical.outcome import Kind, UpstreamError


@dataclass(slots=True)
class Health:
    """Counters since the start; ``ok_at`` is in seconds since the epoch, 0 for never.

    ``error`` is the text of the last failure since then, empty if there is none.
    """

    requests: int = 0
    ok_at: float = 0.0
    error: str = ""

    def good(self, now: float) -> None:
        """Note a good answer."""
        self.ok_at = now
        self.error = ""

    def bad(self, error: UpstreamError, now: float) -> None:
        """Note a failure; that a secret is absent is an answer like any other."""
        if error.kind is Kind.ABSENT:
            self.good(now)
        else:
            self.error = error.detail
