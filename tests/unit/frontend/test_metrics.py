"""The frontend's counters, as Prometheus reads them."""

from psi.frontend.metrics import Metrics


def values(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_requests_are_counted_by_route_and_status() -> None:
    metrics = Metrics()
    for status in (200, 200, 404):
        metrics.observe("lookup", status, 0.001)
    metrics.observe("none", 400, 0.1)
    found = values(metrics.render(3, degraded=True))
    assert found['psi_frontend_requests_total{route="lookup",status="200"}'] == 2
    assert found['psi_frontend_requests_total{route="lookup",status="404"}'] == 1
    assert found['psi_frontend_requests_total{route="none",status="400"}'] == 1
    assert found["psi_frontend_open_connections"] == 3
    assert found["psi_frontend_broker_degraded"] == 1


def test_only_lookups_are_in_the_histogram_and_its_buckets_add_up() -> None:
    metrics = Metrics()
    for seconds in (0.0001, 0.0005, 0.0006, 0.3, 29.0, 31.0):
        metrics.observe("lookup", 200, seconds)
    metrics.observe("store", 200, 1.0)
    found = values(metrics.render(0, degraded=False))
    name = 'psi_frontend_lookup_seconds_bucket{le="%s"}'
    buckets = {bound: found[name % bound] for bound in ("0.0005", "0.001", "1.0", "30.0", "+Inf")}
    assert buckets == {"0.0005": 2, "0.001": 3, "1.0": 4, "30.0": 5, "+Inf": 6}
    assert found["psi_frontend_lookup_seconds_count"] == 6
    assert abs(found["psi_frontend_lookup_seconds_sum"] - 60.3012) < 1e-6


def test_every_line_ends_with_a_line_feed() -> None:
    assert Metrics().render(0, degraded=False).endswith("\n")
