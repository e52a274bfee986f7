"""What is registered and kept already, found out without a word to Infisical (r20).

The broker is asked first and Podman then, never both at once: Podman may be waiting for that
same broker (r27). No value is asked for.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psi.shared.errors import ConfigError
from psi.shared.messages.broker_cache import CacheStatus, CacheStatusReply
from psi.shared.projection import Coordinate
from psictl.catalogue import Description, list_held, list_mappings
from psictl.client import BrokerClient
from psictl.driver import is_psi_driver
from psictl.layout import Layout
from psictl.podman.interface import Podman
from psictl.podman.version import Version
from psictl.quadlet.dropin import SECRETS_FILE
from psictl.quadlet.secret_line import secret_name
from psictl.quadlet.support import reads_dropins
from psictl.setup.boot_dropin import read_dropin
from psictl.setup.report import Outcome, SecretResult

LOAD_SECONDS: Final = 60.0
"""The broker says READY then even if its cache is not loaded (cache_load_seconds): a container
would be started then too."""
POLL_SECONDS: Final = 0.2
"""Between questions whether the cache is loaded: a TPM takes a second, an HSM's login thirty."""


@dataclass(frozen=True)
class Standing:
    """What one workload could start with, and what is lacking."""

    workload: str
    unit: str
    registered: tuple[SecretResult, ...]
    """Those that Podman and the broker know, whether or not their value is held."""
    lacking: str = ""
    """Empty where the workload may be left alone."""


@dataclass(frozen=True)
class Inventory:
    """What the broker and Podman had when the run began."""

    version: Version
    present: Mapping[str, str]
    """Ids of the secrets that PSI registered, by Podman's name."""
    mappings: Mapping[str, Coordinate]
    held: frozenset[str] | None
    """Ids whose value is in memory; None where nothing is ever kept."""
    quadlets: Path

    def standing(self, workload: str, described: Description) -> Standing:
        """Return what a workload has; no file or secret is changed."""
        names, lacking = self._names(workload, described)
        known = [(name, self.present[name]) for name in names if self._is_known(workload, name)]
        results = tuple(SecretResult(name, Outcome.KEPT, id=held) for name, held in known)
        lacking = lacking or self._lacking(names, dict(known))
        return Standing(workload, described.unit, results, lacking)

    def _names(self, workload: str, described: Description) -> tuple[list[str], str]:
        """Return the secrets that the workload's container names, and what is wrong with them."""
        if not reads_dropins(self.version):
            names = [name for name in self.present if self._is_known(workload, name)]
            return names, "" if names else "no secret of it is registered"
        path = self.quadlets / f"{described.unit}.d" / SECRETS_FILE
        try:
            found = read_dropin(path, workload)
        except ConfigError as error:
            return [], str(error)
        current = found.revision == described.revision
        return found.names, "" if current else f"{path} was made for another configuration"

    def _is_known(self, workload: str, name: str) -> bool:
        """Whether PSI registered it, and for the key that its name says."""
        coordinate = self.mappings.get(self.present.get(name, ""))
        return coordinate is not None and name == secret_name(workload, coordinate.key)

    def _lacking(self, names: list[str], known: Mapping[str, str]) -> str:
        missing = [name for name in names if name not in known]
        if missing:
            return f"{missing[0]} is not registered{_and_others(missing)}"
        if self.held is None:
            return ""
        lost = [name for name, secret_id in known.items() if secret_id not in self.held]
        return f"the value of {lost[0]} is not kept{_and_others(lost)}" if lost else ""


def take_inventory(client: BrokerClient, podman: Podman, layout: Layout) -> Inventory:
    """Ask the broker and then Podman; raises Unreachable, Temporary, PodmanError."""
    held = list_held(client) if _keeps(client) else None
    mappings = list_mappings(client)
    socket_path = str(layout.http_socket)
    ours = [
        secret
        for secret in podman.secrets()
        if secret.driver == "shell"
        and secret.id in mappings
        and is_psi_driver(dict(secret.options), socket_path)
    ]
    present = {secret.name: secret.id for secret in ours}
    return Inventory(podman.version(), present, mappings, held, layout.quadlets)


def _keeps(client: BrokerClient) -> bool:
    """Wait until the cache is loaded, or will not be soon; tell whether there is one."""
    until = time.monotonic() + LOAD_SECONDS
    while True:
        status = client.call(CacheStatus(), CacheStatusReply)
        if status.state != "loading" or time.monotonic() >= until:
            return status.state != "off"
        time.sleep(POLL_SECONDS)


def _and_others(names: list[str]) -> str:
    return f", nor {len(names) - 1} others" if len(names) > 1 else ""
