"""Podman's version number, as both ways to reach Podman print it."""

import re
from typing import Final, NamedTuple, Self

from psi.shared.names import printable
from psictl.podman.errors import PodmanError

_FORM: Final = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:[-+~][\w.+~-]{0,40})?")


class Version(NamedTuple):
    """Major, minor and patch number; a pre-release counts as the release it leads to."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``5.4.2``, ``5.4`` or ``5.0.0-rc1``; raises PodmanError for anything else."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise PodmanError(
                f"Podman gave the version {printable(text)!r}, which is no version number: "
                "see what `podman version` prints"
            )
        return cls(int(match[1]), int(match[2]), int(match[3] or 0))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"
