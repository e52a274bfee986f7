"""Whether the YAML that people edit is in force: compared by hash with what runs, never parsed."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psi.shared.errors import PsiError
from psi.shared.messages.broker import BrokerStatusReply
from psictl.apply.generation import Generation, current_generation
from psictl.catalogue import broker_status
from psictl.client import BrokerClient
from psictl.layout import Layout
from psictl.output import say

MAX_CONFIG_BYTES: Final = 4 * 1024 * 1024
"""A configuration of 2,000 workloads is a tenth of it; more is no configuration."""


@dataclass(frozen=True)
class ConfigState:
    """The file, the generation on disk, and the one that the broker runs."""

    path: Path
    running: int
    applied: int | None
    """None where no generation can be read, as by another user than root."""
    in_force: bool | None
    """Whether the file is what the broker runs; None where it cannot be read."""

    @property
    def problem(self) -> str:
        """What to tell a person, or nothing where all agree."""
        if self.applied is not None and self.applied != self.running:
            return (
                f"the broker runs generation {self.running}, and {self.applied} is applied: "
                "restart psi-broker.service"
            )
        if self.in_force is False:
            return (
                f"{self.path} was edited since generation {self.running}: "
                f"psictl apply --config {self.path}"
            )
        return ""

    def fields(self) -> dict[str, Any]:
        """Return what ``--json`` shows."""
        return {"path": str(self.path), "in_force": self.in_force, "applied": self.applied}


def config_state(layout: Layout, running: BrokerStatusReply) -> ConfigState:
    """Compare; the file is the one that the applied generation was read from."""
    applied = _applied(layout)
    path = Path(applied.config) if applied is not None else layout.config
    return ConfigState(
        path=path,
        running=running.generation,
        applied=None if applied is None else applied.number,
        in_force=_matches(path, running.config_sha256),
    )


def tell_difference(client: BrokerClient, layout: Layout) -> None:
    """Say on stderr where the file and what runs differ; raises as BrokerClient.call."""
    running, _ = broker_status(client)
    problem = config_state(layout, running).problem
    if problem:
        say(problem)


def _applied(layout: Layout) -> Generation | None:
    try:
        return current_generation(layout)
    except PsiError:
        # What the broker runs is known still; apply itself says what is wrong with its folder.
        return None


def _matches(path: Path, sha256: str) -> bool | None:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES)
    except OSError:
        return None
    return hashlib.sha256(content).hexdigest() == sha256
