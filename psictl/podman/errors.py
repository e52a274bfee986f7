"""What can go wrong with Podman; each text names cause and remedy."""

from typing import Final

from psi.shared.errors import PsiError, Unreachable
from psi.shared.names import printable

_TOLD_CHARACTERS: Final = 400
"""Of what Podman and the driver's curl said: a few lines, made one."""


class PodmanUnreachable(Unreachable):
    """Neither Podman's socket nor its command answers, or not in time."""


class PodmanError(PsiError):
    """Podman answered, and refused or failed."""


class NameInUse(PodmanError):
    """A secret of that name exists already."""


class NoSuchSecret(PodmanError):
    """There is no secret of that name."""


class NameRefused(PodmanError):
    """This Podman takes no secret of that name."""


def refused_call(doing: str, said: str) -> PodmanError:
    """Return the error for what Podman said when it could not do something.

    The words are those of containers/common ``pkg/secrets``, the same in Podman 4.3.1 and 5.4.2.
    """
    told = printable(" / ".join(said.splitlines()), _TOLD_CHARACTERS)
    cause = f"Podman could not {doing}: {told}"
    if "secret name in use" in said:
        return NameInUse(f"{cause}; remove or rename the secret that has this name")
    if "no such secret" in said or "no secret with name or id" in said:
        return NoSuchSecret(f"{cause}; see `podman secret ls`")
    if "invalid secret name" in said:
        return NameRefused(f"{cause}; choose a shorter workload name, or use Podman 5.0 or later")
    if "exit status" in said:
        return PodmanError(f"{cause}; the driver's command failed: see `psictl status`")
    return PodmanError(f"{cause}; see whether `podman secret ls` works")
