"""systemd, as far as ``apply`` has to do with it, by ``systemctl``: short argument lists."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from psi.shared.errors import PsiError
from psi.shared.names import printable

BOOTED: Final = Path("/run/systemd/system")
"""There only where systemd is the service manager (sd_booted(3))."""
_RELOAD_SECONDS: Final = 90
"""systemd's own timeout for its generators (systemd.generator(7))."""
_JOB_SECONDS: Final = 150
"""Of a service: 10 s to stop and 75 s to be ready, as its unit says, and a slow host."""
_WORDS: Final = 200
"""Characters of what systemctl says that a message repeats."""


class Manager(Protocol):
    """Who runs the services."""

    def booted(self) -> bool:
        """Tell whether it runs this host; in an image that is being made it does not."""
        ...

    def reload(self) -> None:
        """Have all units read again; raises PsiError."""
        ...

    def states(self, units: Sequence[str]) -> dict[str, str]:
        """Return each unit's ActiveState; raises PsiError."""
        ...

    def restart(self, unit: str) -> None:
        """Restart or start a unit, and wait until it is active; raises PsiError."""
        ...

    def start(self, units: Sequence[str]) -> None:
        """Start units, and wait until they are active; raises PsiError."""
        ...

    def stop(self, units: Sequence[str]) -> None:
        """Stop units, in this order; raises PsiError."""
        ...


class Systemctl:
    """This host's own."""

    def __init__(self, booted: Path = BOOTED) -> None:
        self._booted = booted

    def booted(self) -> bool:
        """Tell whether systemd runs here."""
        return self._booted.is_dir()

    def reload(self) -> None:
        """Have all units read again; raises PsiError."""
        _run(("daemon-reload",), _RELOAD_SECONDS)

    def states(self, units: Sequence[str]) -> dict[str, str]:
        """Return each unit's ActiveState; one that there is none of is inactive."""
        said = _run(("show", "--property=Id,ActiveState", "--", *units), _RELOAD_SECONDS)
        blocks = [dict(_pairs(block)) for block in said.split("\n\n")]
        found = {each.get("Id", ""): each.get("ActiveState", "") for each in blocks}
        return {unit: found.get(unit, "inactive") for unit in units}

    def restart(self, unit: str) -> None:
        """Restart or start a unit, and wait until it is active; raises PsiError."""
        _run(("restart", "--", unit), _JOB_SECONDS)

    def start(self, units: Sequence[str]) -> None:
        """Start units, and wait until they are active; raises PsiError."""
        _run(("start", "--", *units), _JOB_SECONDS)

    def stop(self, units: Sequence[str]) -> None:
        """Stop units, in this order; raises PsiError."""
        _run(("stop", "--", *units), _JOB_SECONDS)


def _pairs(block: str) -> list[tuple[str, str]]:
    lines = (line.partition("=") for line in block.splitlines())
    return [(key, value) for key, _, value in lines]


def _run(arguments: tuple[str, ...], seconds: float) -> str:
    try:
        done = subprocess.run(
            ["systemctl", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except OSError as error:
        raise PsiError(f"systemctl does not run: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise PsiError(f"systemctl {arguments[0]} took more than {seconds:.0f} s") from None
    if done.returncode != 0:
        said = printable(done.stderr.decode("utf-8", "replace").strip(), _WORDS)
        raise PsiError(said or f"systemctl {arguments[0]} failed with {done.returncode}")
    return done.stdout.decode("utf-8", "replace")
