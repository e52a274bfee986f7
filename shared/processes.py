"""The processes of the suite: one name for folder, unit, user, socket and log identifier."""

from enum import StrEnum


class Process(StrEnum):
    """A party at a socket; every member but ``CTL`` is a unit with its own user.

    ``HTTP`` is whoever speaks HTTP on psi.sock: Podman's driver command.
    """

    FRONTEND = "frontend"
    BROKER = "broker"
    SEALER = "sealer"
    PKI = "pki"
    CTL = "ctl"
    HTTP = "http"

    @property
    def unit(self) -> str:
        """The systemd service, ``psi-broker.service``."""
        return f"psi-{self}.service"

    @property
    def user(self) -> str:
        """The user that the process runs as; a person at ``psictl`` and Podman are root."""
        return "root" if self in {Process.CTL, Process.HTTP} else f"psi-{self}"
