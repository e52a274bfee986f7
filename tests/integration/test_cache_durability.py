"""What was acknowledged two seconds ago outlives a kill, with the write delay as it ships."""

import time

from tests.fakes.sealer_stub.host import host, secret_id, seed, wait_for

PROMISED_SECONDS = 2
LENIENCE = 10
"""On a loaded machine."""


def test_an_acknowledged_value_is_on_disk_in_time_and_outlives_a_kill() -> None:
    with host(seed({"KEY": "the value"}), limits={"boot_grace_seconds": 0.01}) as running:
        known = running.map(1, "KEY")
        assert known == secret_id(1)
        running.start()
        assert running.look_up([known]) == [b"the value"]
        acknowledged = time.monotonic()
        wait_for((running.state / "cache.enc").exists, bool)
        assert time.monotonic() - acknowledged < LENIENCE * PROMISED_SECONDS
        running.broker.kill()
        running.infisical.kill()
        running.broker.start()
        assert running.look_up([known]) == [b"the value"]
