"""The units that a configuration has something to say about, beside the services."""

from typing import Final

TARGET: Final = "psi.target"
REFRESH_TIMER: Final = "psi-infisical-refresh.timer"
SEALER_SOCKETS: Final = ("psi-sealer.socket", "psi-sealer-ctl.socket")
"""They are there with the sealer alone: without them nobody starts it by asking."""
