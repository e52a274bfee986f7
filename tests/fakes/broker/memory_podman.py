"""A Podman in memory: it does what the interface says, and notes what the broker did meanwhile."""

from collections.abc import Callable, Mapping

from psi.shared.errors import PsiError
from psi.shared.projection import Coordinate
from psictl.podman.errors import NameInUse, NoSuchSecret
from psictl.podman.interface import PodmanSecret
from psictl.podman.version import Version


class MemoryPodman:
    """Keeps secrets by name; ``on_call`` runs within every call that changes something."""

    def __init__(self, *version: int) -> None:
        self.by_name: dict[str, PodmanSecret] = {}
        self.payloads: dict[str, bytes] = {}
        self.changes: list[str] = []
        self.fail: dict[str, PsiError] = {}
        self.on_call: Callable[[], None] = lambda: None
        self._version = Version(*version or (5, 4, 2))

    def version(self) -> Version:
        return self._version

    def secrets(self) -> list[PodmanSecret]:
        self.on_call()
        return list(self.by_name.values())

    def inspect(self, name: str) -> PodmanSecret | None:
        return self.by_name.get(name)

    def create(self, name: str, payload: bytes, options: Mapping[str, str]) -> str:
        self.on_call()
        if name in self.fail:
            raise self.fail[name]
        if name in self.by_name:
            raise NameInUse(f"{name} is in use")
        secret_id = f"{len(self.changes) + 1:025x}"
        self.changes.append(f"create {name}")
        self.by_name[name] = PodmanSecret(secret_id, name, "shell", dict(options))
        self.payloads[name] = payload
        return secret_id

    def remove(self, name: str) -> None:
        self.on_call()
        if self.by_name.pop(name, None) is None:
            raise NoSuchSecret(name)
        self.changes.append(f"remove {name}")

    def hold(self, name: str, driver: str, secret_id: str, options: Mapping[str, str]) -> None:
        """Put a secret there that somebody made before."""
        self.by_name[name] = PodmanSecret(secret_id, name, driver, dict(options))


def coordinate(key: str, path: str = "/app") -> Coordinate:
    """Return a coordinate of the project that the fake broker's secrets lie in."""
    return Coordinate(project="main", path=path, key=key)
