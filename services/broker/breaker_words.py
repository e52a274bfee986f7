"""What a miss is told while Infisical is away: since when, and why."""

from datetime import UTC, datetime

from psi.broker.infisical.outcome import Kind, UpstreamError


def away(seen: float, cause: str) -> UpstreamError:
    """Return the error of an open breaker; ``seen`` is wall time, 0 if not known."""
    return UpstreamError(Kind.TRANSPORT, f"Infisical is away, {_when(seen)}: {cause}")


def _when(seen: float) -> str:
    """Return when Infisical was last seen, as a person reads it who was not there."""
    try:
        moment = datetime.fromtimestamp(seen, UTC)
    except (ValueError, OverflowError, OSError):
        seen = 0.0
    return f"last seen {moment:%Y-%m-%d %H:%M} UTC" if seen else "not seen since the broker's start"
