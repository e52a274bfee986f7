"""/usr/local/bin/psictl: a link through ``current``, so that it is of the version in force."""

import os
import secrets
from pathlib import Path

from psi.shared.errors import ConfigError
from psictl.install.places import Places
from psictl.quadlet.placement import open_folder

_FOLDER = ("usr", "local", "bin")


def is_linked(places: Places) -> bool:
    """Whether the link is there; raises ConfigError where something else has its name."""
    try:
        target = str(places.launcher.readlink())
    except FileNotFoundError:
        return False
    except OSError:
        raise _in_the_way(places.launcher) from None
    if target != target_of(places) and not target.endswith("/current/psictl/bin/psictl"):
        raise _in_the_way(places.launcher)
    return target == target_of(places)


def link(places: Places) -> None:
    """Make the link, or let the one there lead to this prefix; raises PsiError."""
    with open_folder(places.root, *_FOLDER) as folder:
        temporary = f".psictl.{secrets.token_hex(8)}"
        os.symlink(target_of(places), temporary, dir_fd=folder)
        os.rename(temporary, "psictl", src_dir_fd=folder, dst_dir_fd=folder)


def unlink(places: Places) -> bool:
    """Remove the link if it is this installation's; return whether it was."""
    if places.launcher.is_symlink() and str(places.launcher.readlink()) == target_of(places):
        places.launcher.unlink()
        return True
    return False


def target_of(places: Places) -> str:
    """Return where the link leads to, on the host."""
    return f"{places.prefix}/current/psictl/bin/psictl"


def _in_the_way(path: Path) -> ConfigError:
    return ConfigError(f"{path} is not psictl install's own: move it away")
