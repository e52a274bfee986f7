"""What the derivations look at: the configuration, and the host that it is applied on."""

import grp
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from psi.shared.processes import Process
from psi.shared.projection import BrokerProjection, SealerProjection
from psictl.apply.naming import file_name, folder_name
from psictl.config.model import Cache
from psictl.layout import Layout


def has_group(name: str) -> bool:
    """Tell whether this host has a group: a unit that names another does not start."""
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


@dataclass(frozen=True)
class Circumstances:
    """One configuration on one host."""

    layout: Layout
    number: int
    """Of the generation that the projections lie in."""
    cache: Cache
    broker: BrokerProjection
    sealer: SealerProjection | None
    """None where nothing is kept at rest, and so no sealer runs."""
    has_group: Callable[[str], bool] = has_group

    def projection(self, process: Process) -> Path:
        """Return a service's file, by the generation's own name: it never changes under it."""
        return self.layout.config_dir / folder_name(self.number) / file_name(process)
