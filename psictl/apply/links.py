"""The links by which systemd finds the drop-ins: constant, one for each unit that has one.

``/etc/systemd/system/UNIT.d/50-psi.conf`` leads to ``/etc/psi/generated/current/UNIT.conf``. One
that leads to nothing says nothing (systemd reads past it; 252 tried), so links are made before
the switch that fills them, and taken away after the one that empties them.
"""

import contextlib
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from psi.shared.errors import ConfigError
from psictl.apply import folder
from psictl.apply.generation import CURRENT
from psictl.apply.naming import drop_in_name, unit_name
from psictl.layout import Layout

NAME: Final = "50-psi.conf"
_FOLDER_MODE: Final = 0o755
_ENDING: Final = ".d"


def missing_links(layout: Layout, drop_ins: Collection[str]) -> list[str]:
    """Return the drop-ins that systemd would not find.

    Raises ConfigError where something else stands in a link's place.
    """
    return [name for name in sorted(drop_ins) if not _is_placed(layout, name)]


def place_links(layout: Layout, drop_ins: Collection[str]) -> None:
    """Have systemd find these drop-ins; each link is on disk. Raises OSError."""
    for name in missing_links(layout, drop_ins):
        path = _link(layout, name)
        folder.make_folder(path.parent, _FOLDER_MODE)
        with _opened(path.parent) as parent:
            os.symlink(_target(layout, name), NAME, dir_fd=parent)
            os.fsync(parent)


def remove_links(layout: Layout, but: Collection[str] = ()) -> None:
    """Take away all links of ours but those to some drop-ins, and folders that they leave empty.

    Raises OSError.
    """
    kept = {unit_name(name) for name in but}
    for unit in _linked_units(layout):
        if unit in kept:
            continue
        path = _link(layout, drop_in_name(unit))
        with _opened(path.parent) as parent:
            os.unlink(NAME, dir_fd=parent)
            os.fsync(parent)
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def _linked_units(layout: Layout) -> list[str]:
    """Return the units with a link of ours; anybody else's of that name is left alone."""
    try:
        folders = sorted(layout.unit_dir.iterdir())
    except FileNotFoundError:
        return []
    units = [path.name.removesuffix(_ENDING) for path in folders if path.name.endswith(_ENDING)]
    return [unit for unit in units if _leads_to(layout, drop_in_name(unit))]


def _is_placed(layout: Layout, name: str) -> bool:
    path = _link(layout, name)
    for each in (path.parent, path):
        try:
            kind = stat.S_IFMT(each.lstat().st_mode)
        except FileNotFoundError:
            return False
        if kind != (stat.S_IFDIR if each == path.parent else stat.S_IFLNK):
            raise ConfigError(f"{each} is in the way of psictl apply: move it away")
    if not _leads_to(layout, name):
        raise ConfigError(f"{path} is a link of somebody else's: move it away")
    return True


def _leads_to(layout: Layout, name: str) -> bool:
    path = _link(layout, name)
    return path.is_symlink() and str(path.readlink()) == _target(layout, name)


def _link(layout: Layout, name: str) -> Path:
    return layout.unit_dir / f"{unit_name(name)}{_ENDING}" / NAME


def _target(layout: Layout, name: str) -> str:
    return str(layout.generated / CURRENT / name)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
