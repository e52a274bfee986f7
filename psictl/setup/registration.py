"""Make Podman's secrets equal what one workload should have, touching only our own.

A secret is ours if its driver is ``shell`` and the broker knows its id. A name that any other
secret holds is reported and left alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from psi.shared.messages.broker import Discovered
from psi.shared.projection import Coordinate
from psictl.driver import is_psi_driver
from psictl.podman.errors import NameInUse, NoSuchSecret, PodmanError
from psictl.podman.interface import Podman, PodmanSecret
from psictl.quadlet.secret_line import secret_name
from psictl.setup.report import Outcome, SecretResult

FOREIGN_DETAIL = (
    "the name is held by a secret that PSI did not register, which was left alone; "
    "podman secret rm it, then run psictl setup again"
)
DRIFT_DETAIL = (
    "registered, but no longer in the workload's sources; put it back in Infisical, "
    "or podman secret rm it"
)


@dataclass(frozen=True)
class Sealed:
    """The name of a local secret that the broker keeps encrypted (``psictl seal``)."""

    name: str


Target = Coordinate | Sealed
"""What a mapping may name."""


def mapping_payload(target: Target) -> bytes:
    """Return the mapping as JSON: what the driver's ``store`` gets, and no secret."""
    if isinstance(target, Sealed):
        return msgspec.json.encode({"provider": "sealed", "name": target.name})
    return msgspec.json.encode(
        {
            "provider": "infisical",
            "project": target.project,
            "path": target.path,
            "key": target.key,
        }
    )


def coordinate_of(secret: Discovered) -> Coordinate:
    """Return where a discovered secret lies."""
    return Coordinate(project=secret.project, path=secret.path, key=secret.key)


@dataclass(frozen=True)
class Registrar:
    """Podman's secrets as they were when the run began, and the means to change them."""

    podman: Podman
    present: Mapping[str, PodmanSecret]
    mappings: Mapping[str, Target]
    socket_path: str
    commands: Callable[[], Mapping[str, str]]
    """The driver's commands; found out by trial (r17), so only once something is created."""

    def register(self, workload: str, secret: Discovered) -> SecretResult:
        """Keep, create or replace one secret; raises Unreachable where Podman is gone."""
        return self.settle(secret_name(workload, secret.key), coordinate_of(secret))

    def settle(self, name: str, wanted: Target) -> SecretResult:
        """Do the same for any name and target."""
        held = self.present.get(name)
        if held is None:
            return self._create(name, wanted, Outcome.CREATED)
        if not self.is_ours(held):
            return SecretResult(name, Outcome.FOREIGN, FOREIGN_DETAIL, held.id)
        same = self.mappings[held.id] == wanted
        if same and is_psi_driver(dict(held.options), self.socket_path):
            return SecretResult(name, Outcome.KEPT, id=held.id)
        return self._replace(name, wanted)

    def drifted(self, workload: str, wanted: set[str]) -> list[SecretResult]:
        """Return this workload's registered secrets that its sources no longer name."""
        return [
            SecretResult(held.name, Outcome.DRIFTED, DRIFT_DETAIL, held.id)
            for held in self.present.values()
            if held.name not in wanted
            and self.is_ours(held)
            # A workload's name may itself hold "--": the mapping tells where the key begins.
            and held.name == self._name_in(workload, self.mappings[held.id])
        ]

    def _name_in(self, workload: str, target: Target) -> str | None:
        return None if isinstance(target, Sealed) else secret_name(workload, target.key)

    def is_ours(self, held: PodmanSecret) -> bool:
        """Tell whether PSI registered a secret."""
        return held.driver == "shell" and held.id in self.mappings

    def _replace(self, name: str, wanted: Target) -> SecretResult:
        # Podman's own --replace is no safer: it deletes and then stores as well.
        try:
            self.podman.remove(name)
        except NoSuchSecret:
            pass
        except PodmanError as error:
            return SecretResult(name, Outcome.FAILED, f"not replaced: {error}")
        return self._create(name, wanted, Outcome.REPLACED)

    def _create(self, name: str, wanted: Target, outcome: Outcome) -> SecretResult:
        try:
            made = self.podman.create(name, mapping_payload(wanted), self.commands())
        except NameInUse:
            return SecretResult(name, Outcome.FOREIGN, FOREIGN_DETAIL)
        except PodmanError as error:
            return SecretResult(name, Outcome.FAILED, f"not registered: {error}")
        return SecretResult(name, outcome, id=made)
