"""Ask quadlet's own generator what it makes of the drop-ins, before they are put in place.

``quadlet -dryrun`` reads the folders in QUADLET_UNIT_DIRS and prints the services that it
would generate (podman-systemd.unit(5); Podman 5.4.2 tried).
"""

import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psi.shared.names import parse_unit, printable
from psictl.quadlet.unit_file import UnitFile, parse_unit_file

GENERATORS: Final = (
    Path("/usr/libexec/podman/quadlet"),
    Path("/usr/lib/systemd/system-generators/podman-system-generator"),
)
DRY_RUN_SECONDS: Final = 30
"""It reads a folder and prints: milliseconds; systemd gives generators 90 s."""
_IMAGE: Final = "localhost/psi-dry-run"
_BARE_UNIT: Final = f"[Container]\nImage={_IMAGE}\n"
_EXEC: Final = ("Service", "ExecStart")

_Assignments = Sequence[tuple[str, str, str]]


def find_generator(candidates: Sequence[Path] = GENERATORS) -> Path | None:
    """Return the quadlet generator, or None where this host has none."""
    return next((path for path in candidates if os.access(path, os.X_OK)), None)


def check_dropins(generator: Path, unit: str, texts: Mapping[str, str]) -> None:
    """Raise PsiError unless the drop-ins add exactly what they say to a bare unit.

    ``texts`` maps file names to contents, as for ``write_dropins``. The service that quadlet
    makes with them may differ from the one without them by their own lines and by one
    ``--secret`` per Secret= line, and by nothing else.
    """
    with tempfile.TemporaryDirectory(prefix="psi-quadlet-") as name:
        folder = Path(name)
        (folder / parse_unit(unit)).write_text(_BARE_UNIT)
        bare = _generate(generator, folder, unit)
        dropins = folder / f"{unit}.d"
        dropins.mkdir()
        for file_name, text in texts.items():
            (dropins / file_name).write_text(text)
        whole = _generate(generator, folder, unit)
    _compare(unit, bare, whole, [parse_unit_file(text, file) for file, text in texts.items()])


def _generate(generator: Path, folder: Path, unit: str) -> UnitFile:
    environment = {"PATH": os.defpath, "QUADLET_UNIT_DIRS": str(folder)}
    try:
        done = subprocess.run(
            [generator, "-dryrun"],
            env=environment,
            capture_output=True,
            timeout=DRY_RUN_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PsiError(
            f"{generator} -dryrun failed ({printable(str(error))}): repair podman"
        ) from error
    if done.returncode != 0:
        said = printable(done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2], 300)
        raise PsiError(f"quadlet refuses the drop-ins of {unit}: {said}; nothing was written")
    service = unit.removesuffix(".container") + ".service"
    return parse_unit_file(_service_text(done.stdout.decode("utf-8", "replace"), service), service)


def _service_text(printed: str, service: str) -> str:
    """Cut one service out of the output, where each follows a line ``---NAME---``."""
    _, found, after = f"\n{printed}".partition(f"\n---{service}---\n")
    if not found:
        raise PsiError(f"quadlet made no {service} of PSI's drop-ins: nothing was written")
    return after.partition("\n---")[0]


def _compare(unit: str, bare: UnitFile, whole: UnitFile, dropins: Sequence[UnitFile]) -> None:
    meant = [assignment for dropin in dropins for assignment in dropin.assignments]
    secrets = [value for section, _, value in meant if section == "Container"]
    added = Counter(_without_exec(whole)) - Counter(_without_exec(bare))
    lost = Counter(_without_exec(bare)) - Counter(_without_exec(whole))
    if lost or added != Counter(_as_generated(meant)):
        raise _differs(unit, "its lines are not the ones that were meant")
    if _secrets_of(whole) != (_secrets_of(bare)[0], secrets):
        raise _differs(unit, "the command does not get exactly the secrets that were meant")


def _as_generated(meant: _Assignments) -> _Assignments:
    """Quadlet keeps its own section as ``[X-Container]``, which systemd passes over."""
    return [
        ("X-Container" if section == "Container" else section, key, value)
        for section, key, value in meant
    ]


def _without_exec(service: UnitFile) -> _Assignments:
    return [entry for entry in service.assignments if entry[:2] != _EXEC]


def _secrets_of(service: UnitFile) -> tuple[list[str], list[str]]:
    """Split the command into its other words and what follows each ``--secret``."""
    words = iter(" ".join(service.values(*_EXEC)).split())
    others: list[str] = []
    secrets: list[str] = []
    for word in words:
        if word == "--secret":
            secrets.append(next(words, ""))
        else:
            others.append(word)
    return others, secrets


def _differs(unit: str, what: str) -> PsiError:
    return PsiError(
        f"quadlet's dry run of {unit} with PSI's drop-ins: {what}; nothing was written. "
        "Is this Podman 5.0 or later?"
    )
