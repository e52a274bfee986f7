"""Whether the YAML that people edit is in force: compared by hash with what runs, never parsed."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from psi.shared.errors import UNDECODABLE, PsiError
from psi.shared.messages.broker import BrokerStatusReply
from psi.shared.processes import Process
from psictl.apply.generation import CURRENT, Generation, current_generation
from psictl.apply.naming import file_name
from psictl.apply.store import LOADED, UNSETTLED
from psictl.catalogue import broker_status
from psictl.client import BrokerClient
from psictl.layout import Layout
from psictl.output import say

MAX_CONFIG_BYTES: Final = 4 * 1024 * 1024
"""A configuration of 2,000 workloads is a tenth of it; more is no configuration."""


class _Projected(msgspec.Struct):
    """The generation that a projection came with; its service keeps it while nothing changes."""

    generation: int


@dataclass(frozen=True)
class ConfigState:
    """The file, the generation on disk, and the one that the broker runs."""

    path: Path
    applied: int | None
    """None where no generation can be read, as by another user than root."""
    in_force: bool | None
    """Whether the file is what was applied; None where it cannot be read."""
    broker_current: bool
    """Whether the broker runs the newest projection that was made for it."""
    complete: bool = True
    """Whether the last ``psictl apply`` came to its end; only a host's can be known."""

    @property
    def problems(self) -> list[str]:
        """What to tell a person, nothing where all agree."""
        told = []
        if self.in_force is False:
            told.append(
                f"{self.path} was edited since it was applied: psictl apply --config {self.path}"
            )
        if not self.complete:
            told.append("the last psictl apply did not come to its end: psictl apply completes it")
        if not self.broker_current:
            told.append(
                "the broker does not run what was applied: systemctl restart psi-broker.service"
            )
        return told

    def fields(self) -> dict[str, Any]:
        """Return what ``--json`` shows."""
        return {
            "path": str(self.path),
            "applied": self.applied,
            "in_force": self.in_force,
            "broker_current": self.broker_current,
            "complete": self.complete,
        }


def config_state(layout: Layout, running: BrokerStatusReply) -> ConfigState:
    """Compare; the file is the one that the applied generation was read from."""
    applied = _applied(layout)
    if applied is None:
        in_force = file_matches(layout.config, running.config_sha256)
        return ConfigState(layout.config, None, in_force, broker_current=True)
    path, projected = Path(applied.config), _projected(layout)
    return ConfigState(
        path=path,
        applied=applied.number,
        in_force=file_matches(path, applied.config_sha256),
        broker_current=projected in {None, running.generation},
        complete=is_complete(layout),
    )


def tell_difference(client: BrokerClient, layout: Layout) -> None:
    """Say on stderr where the file and what runs differ; raises as BrokerClient.call."""
    running, _ = broker_status(client)
    for problem in config_state(layout, running).problems:
        say(problem)


def _applied(layout: Layout) -> Generation | None:
    try:
        return current_generation(layout)
    except PsiError:
        # What the broker runs is known still; apply itself says what is wrong with its folder.
        return None


def is_complete(layout: Layout) -> bool:
    """Tell whether all three links lead to one generation, and every service followed."""
    links = (layout.generated / CURRENT, layout.config_dir / CURRENT, layout.config_dir / LOADED)
    switched, followed, loaded = (_target(link) for link in links)
    settled = not (layout.config_dir / UNSETTLED).exists()
    return switched is None or (followed == switched == loaded and settled)


def _target(link: Path) -> str | None:
    try:
        return str(link.readlink())
    except OSError:
        return None


def _projected(layout: Layout) -> int | None:
    try:
        data = (layout.current / file_name(Process.BROKER)).read_bytes()
        return msgspec.json.decode(data, type=_Projected).generation
    except (OSError, *UNDECODABLE):
        return None


def file_matches(path: Path, sha256: str) -> bool | None:
    """Tell whether a file has this SHA-256; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES)
    except OSError:
        return None
    return hashlib.sha256(content).hexdigest() == sha256
