"""The credentials folder of a service, as LoadCredential= makes it: its files and no others."""

import shutil
from pathlib import Path

from psi.shared.errors import PsiError
from psi.shared.processes import Process
from psi.shared.projection import BrokerProjection, SealerProjection, decode_projection
from psictl.apply.host_secret import NAME as HOST_SECRET
from psictl.config.projection import credentials
from psictl.layout import Layout

CONFIG = "config.json"
LIMITS = "limits.json"


def folder_of(layout: Layout, process: Process) -> Path:
    """Return where a service's credentials are, as systemd names the folder."""
    return layout.run / "credentials" / process.unit


def write_credentials(
    layout: Layout, process: Process, projection: bytes | None, limits: bytes | None
) -> Path:
    """Make a service's folder anew; raises PsiError for a named credential that is not there."""
    files = {CONFIG: projection, LIMITS: limits}
    if process is Process.SEALER:
        files[HOST_SECRET] = _read(layout.config_dir / HOST_SECRET)
    if projection is not None:
        files |= _named(layout, process, projection)
    folder = folder_of(layout, process)
    remove_credentials(layout, process)
    folder.mkdir(mode=0o700, parents=True)
    for name, data in files.items():
        if data is not None:
            (folder / name).touch(mode=0o600)
            (folder / name).write_bytes(data)
    return folder


def remove_credentials(layout: Layout, process: Process) -> None:
    """Remove a service's folder, if there is one."""
    folder = folder_of(layout, process)
    if folder.exists():
        shutil.rmtree(folder)


def _named(layout: Layout, process: Process, projection: bytes) -> dict[str, bytes | None]:
    if process is Process.SEALER:
        names = credentials(decode_projection(projection, SealerProjection))
    else:
        names = credentials(decode_projection(projection, BrokerProjection))
    return {name: _read(layout.credstore / name) for name in sorted(names)}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PsiError(
            f"credential {path.name}: cannot read {path}: {error.strerror}; put it there, mode 0600"
        ) from None
