"""psi-infisical-refresh.timer: how often what is kept is read again."""

from psictl.apply.units.circumstances import Circumstances
from psictl.apply.units.dropin import Sections


def timer_sections(host: Circumstances) -> Sections:
    """Return the timer's settings; none where nothing is kept.

    The empty setting takes away all that the shipped timer has (systemd.timer(5)), so it stands
    once and first. Both count from a start: a refresh that fails is followed by the next.
    """
    if host.cache.backend == "none":
        return {}
    interval = f"{host.cache.refresh_interval}s"
    return {
        "Timer": [
            "OnActiveSec=",
            f"OnActiveSec={interval}",
            f"OnUnitActiveSec={interval}",
            f"RandomizedDelaySec={host.cache.refresh_randomized_delay}s",
        ]
    }
