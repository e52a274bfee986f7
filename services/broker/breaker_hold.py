"""What a server asked by Retry-After: nothing is sent before, by lookup or probe."""

from psi.broker.infisical.clock import Clock
from psi.broker.infisical.outcome import Kind, UpstreamError


class Hold:
    """The last Retry-After, bounded by ``longest`` seconds.

    That of a login is not meant: limits go by route, and who has a token may go on reading.
    """

    def __init__(self, clock: Clock, longest: float) -> None:
        self._clock = clock
        self._longest = longest
        self._until = 0.0
        self._limited = False

    def note(self, error: UpstreamError) -> None:
        """Take note of an error that may name a time."""
        if error.retry_after is None or error.login:
            return
        self._until = self._clock.boot() + min(error.retry_after, self._longest)
        self._limited = error.kind is Kind.LIMITED

    def left(self) -> float:
        """Return the seconds that are left, 0 for none."""
        return max(0.0, self._until - self._clock.boot())

    def check_limited(self) -> None:
        """Raise UpstreamError (limited) while a rate limit holds: no probe would end it sooner."""
        left = self.left()
        if self._limited and left > 0:
            text = f"Infisical's rate limit is reached; it may be asked again in {left:.0f} s"
            error = UpstreamError(Kind.LIMITED, text, status=429)
            error.retry_after = left
            raise error
