"""`systemd-analyze verify` over all units together, before any of them is in its place."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psi.shared.names import printable
from psictl.install.places import UNITS

_SECONDS: Final = 60
"""It takes a second; its start-up looks at every unit of the host."""
_MOST_LINES: Final = 20
_LINE_CHARACTERS: Final = 300
_IDENTITY: Final = re.compile(
    r"psi-[a-z]+\.service:[0-9]+: Failed to parse boolean value, ignoring: identity$"
)
"""PrivateUsers=identity: systemd reads it from 257 on, and before leaves the setting out."""
IDENTITY_SINCE: Final = 257


def verify(texts: Mapping[str, str], prefix: str, systemd: int, scratch: Path) -> None:
    """Check the units of ``texts``; raises PsiError with what systemd says of them.

    The programs need not be there yet: stand-ins in ``scratch`` are executable in their place,
    and check_programs looks for the true ones.
    """
    folder = scratch / "units"
    units = _stage(texts, prefix, folder)
    code, output = _analyze(folder, units)
    lines = [line.replace(f"{folder}/", "").strip() for line in output.splitlines()]
    complaints = [line for line in lines if _is_ours(line, units, systemd)]
    if not complaints and code != 0:
        complaints = [line for line in lines if line and not _is_harmless(line, systemd)]
        complaints = complaints if lines else [f"verify ended with {code} and said nothing"]
    if complaints:
        shown = "\n  ".join(printable(line, _LINE_CHARACTERS) for line in complaints[:_MOST_LINES])
        raise PsiError(f"systemd does not accept the units, nothing was changed:\n  {shown}")


def check_programs(texts: Mapping[str, str], prefix: str, version: Path) -> None:
    """Raise PsiError unless a version has every program that the units start from it."""
    for name in sorted(programs_of(texts, prefix)):
        if not os.access(version / name, os.X_OK):
            raise PsiError(f"the version has no {name}, which the units start: nothing was changed")


def programs_of(texts: Mapping[str, str], prefix: str) -> set[str]:
    """Return the programs of the version in force that the units start, relative to it."""
    found = re.compile(rf"^Exec\w+=\W*{re.escape(prefix)}/current/(\S+)", re.MULTILINE)
    return {
        match for path, text in texts.items() if _is_unit(path) for match in found.findall(text)
    }


def _is_unit(path: str) -> bool:
    return path.startswith(f"{UNITS}/")


def _stage(texts: Mapping[str, str], prefix: str, folder: Path) -> list[str]:
    programs = folder / "programs"
    for name in programs_of(texts, prefix):
        (programs / name).parent.mkdir(parents=True, exist_ok=True)
        (programs / name).symlink_to("/bin/true")
    units = []
    for path, text in texts.items():
        if _is_unit(path):
            name = path.removeprefix(f"{UNITS}/")
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text.replace(f"{prefix}/current/", f"{programs}/"))
            units += [] if "/" in name else [name]
    return units


def _analyze(folder: Path, units: Iterable[str]) -> tuple[int, str]:
    try:
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no"]
            + [str(folder / name) for name in units],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "SYSTEMD_LOG_COLOR": "0"},
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PsiError(
            f"systemd-analyze verify did not run ({error}): apt-get install systemd"
        ) from error
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _is_ours(line: str, units: Iterable[str], systemd: int) -> bool:
    """Whether a line is about these units; what an own drop-in of the host says is not."""
    return not _is_harmless(line, systemd) and any(name in line for name in units)


def _is_harmless(line: str, systemd: int) -> bool:
    """Whether a line is about a file elsewhere, or of the kind that this systemd always says."""
    return line.startswith("/") or (systemd < IDENTITY_SINCE and bool(_IDENTITY.search(line)))
