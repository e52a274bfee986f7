"""Whether the YAML that people edit is the one that is in force: compared by hash, never parsed."""

import hashlib
from pathlib import Path

from psi.shared.messages.broker import BrokerStatus, BrokerStatusReply
from psictl.client import BrokerClient
from psictl.layout import Layout
from psictl.output import say

MAX_CONFIG_BYTES = 4 * 1024 * 1024
"""A configuration of 2,000 workloads is a tenth of it; more is no configuration."""


def config_matches(layout: Layout, running_sha256: str) -> bool | None:
    """Tell whether the file equals the running generation's; None where it cannot be read."""
    content = _read(layout.config)
    return None if content is None else hashlib.sha256(content).hexdigest() == running_sha256


def difference_text(layout: Layout, generation: int) -> str:
    """Return what to tell a person whose edit is not in force."""
    return f"{layout.config} differs from the running generation {generation}: psictl apply"


def tell_difference(client: BrokerClient, layout: Layout) -> None:
    """Say so on stderr where the file was edited and not applied; raises as BrokerClient.call."""
    status = client.call(BrokerStatus(), BrokerStatusReply)
    if config_matches(layout, status.config_sha256) is False:
        say(difference_text(layout, status.generation))


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_CONFIG_BYTES)
    except OSError:
        return None
