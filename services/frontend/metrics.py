"""The frontend's own counters, in Prometheus text; no secret's name is in a label."""

from bisect import bisect_left

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0)
"""Seconds: a cached lookup takes a fraction of a millisecond, the longest wait is 30 s."""


class Metrics:
    """Counts requests by route and status, and lookups by time."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, int], int] = {}
        self._lookups = [0] * (len(_BUCKETS) + 1)
        self._seconds = 0.0

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one finished request."""
        counted = self._requests
        counted[route, status] = counted.get((route, status), 0) + 1
        if route == "lookup":
            self._lookups[bisect_left(_BUCKETS, seconds)] += 1
            self._seconds += seconds

    def render(self, connections: int, *, degraded: bool) -> str:
        """Return the exposition text (Prometheus, exposition formats, text 0.0.4)."""
        lines = ["# TYPE psi_frontend_requests_total counter"]
        lines += [
            f'psi_frontend_requests_total{{route="{route}",status="{status}"}} {count}'
            for (route, status), count in sorted(self._requests.items())
        ]
        lines.append("# TYPE psi_frontend_lookup_seconds histogram")
        total = 0
        for bound, count in zip((*_BUCKETS, "+Inf"), self._lookups, strict=True):
            total += count
            lines.append(f'psi_frontend_lookup_seconds_bucket{{le="{bound}"}} {total}')
        lines += [
            f"psi_frontend_lookup_seconds_sum {self._seconds:.6f}",
            f"psi_frontend_lookup_seconds_count {total}",
            "# TYPE psi_frontend_open_connections gauge",
            f"psi_frontend_open_connections {connections}",
            "# TYPE psi_frontend_broker_degraded gauge",
            f"psi_frontend_broker_degraded {int(degraded)}",
        ]
        return "\n".join(lines) + "\n"
