"""What each release's own systemd makes of the units as they are installed there."""

import pytest

from tests.system.host import Host

BOUNDS = {
    "trixie": {"frontend": 2, "pki": 2, "sealer": 2, "broker": 9},
    "bookworm": {"frontend": 2, "pki": 2, "sealer": 4, "broker": 11},
}
"""Ten times the highest score of ``systemd-analyze security``."""
OPEN = "[Service]\nPrivateNetwork=no\nIPAddressDeny=\nRestrictAddressFamilies=\n"


def over(host: Host, process: str, bound: int) -> bool:
    """Tell whether an installed service's exposure is over a bound."""
    unit = f"/usr/lib/systemd/system/psi-{process}.service"
    argv = ["systemd-analyze", "security", "--offline=true", f"--threshold={bound}", unit]
    done = host.run(argv, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode == 1


@pytest.mark.parametrize("process", ["frontend", "pki", "sealer", "broker"])
def test_a_services_exposure_is_low(host: Host, process: str) -> None:
    assert not over(host, process, BOUNDS[host.suite.name][process])


def test_a_service_that_is_opened_is_over_it(host: Host) -> None:
    dropin = "/usr/lib/systemd/system/psi-frontend.service.d/99-open.conf"
    host.write(dropin, OPEN)
    try:
        assert over(host, "frontend", BOUNDS[host.suite.name]["frontend"])
    finally:
        host.run(["rm", dropin])


def test_the_units_verify(host: Host) -> None:
    names = host.shell(
        "cd /usr/lib/systemd/system; echo psi*.service psi*.socket psi*.timer"
    ).stdout
    done = host.run(["systemd-analyze", "verify", "--man=no", *names.split()])
    # 252 does not know the word, and says that it goes on without (hardening of 257 alone).
    said = [line for line in done.stderr.splitlines() if "identity" not in line]
    assert said == []
