"""Write a workload's drop-ins where this Podman reads them, and say what to do where not (r18)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psi.shared.messages.broker import Discovered
from psictl.catalogue import Discovery
from psictl.podman.version import Version
from psictl.quadlet.dropin import (
    ORDER_FILE,
    SECRETS_FILE,
    render_order,
    render_secrets,
    write_dropins,
)
from psictl.quadlet.dryrun import check_dropins
from psictl.quadlet.secret_line import SecretUse, secret_line
from psictl.quadlet.support import reads_dropins, without_dropins


@dataclass(frozen=True)
class DropinWriter:
    """Where drop-ins go, which Podman reads them, and the generator that checks them."""

    root: Path
    version: Version
    generator: Path | None

    def write(
        self, workload: str, found: Discovery, secrets: Sequence[Discovered]
    ) -> tuple[list[str], list[str]]:
        """Write the drop-ins of a unit; return the names that changed, and notes for a person.

        Raises PsiError where quadlet's dry run or the folder refuses; then nothing was written.
        """
        uses = [use_of(secret) for secret in secrets]
        if not reads_dropins(self.version):
            lines = [f"Secret={secret_line(workload, use)}" for use in uses]
            return [], ["\n  ".join([without_dropins(self.version, found.unit), *lines])]
        texts = {
            SECRETS_FILE: render_secrets(workload, uses, found.revision),
            ORDER_FILE: render_order(found.depends_on),
        }
        if self.generator is not None:
            given = {name: text for name, text in texts.items() if text}
            check_dropins(self.generator, found.unit, given)
        return write_dropins(self.root, found.unit, texts), []


def use_of(secret: Discovered) -> SecretUse:
    """Return how a discovered secret reaches its container."""
    return SecretUse(secret.key, secret.options)
