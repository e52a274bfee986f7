"""``psictl apply``: one generation of everything derived, put in force at once.

It is explicit, as ``netplan apply`` is (r6): no path unit applies a half-edited file, and after a
mistake the last good generation persists across reboots.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from psi.shared.errors import PsiError
from psi.shared.processes import Process
from psictl.apply import generation
from psictl.apply.derive import derive, file_name
from psictl.apply.development import reload_development_host
from psictl.apply.folder import open_private
from psictl.apply.generation import Generation, current_generation
from psictl.apply.host_secret import keep_host_secret
from psictl.apply.stand_in import in_development
from psictl.config import LoadedConfig, load
from psictl.layout import Layout

__all__ = ["ApplyResult", "Generation", "apply", "current_generation", "write"]


@dataclass(frozen=True)
class ApplyResult:
    """What ``apply`` did."""

    generation: int
    """The one in force; 0 where only a check was asked for and there is none."""
    notices: tuple[str, ...]
    """Lines to show."""
    written: bool = False
    """Whether it is new: an unchanged configuration makes none."""
    changed: tuple[Process, ...] = ()
    """Services whose projection says something new; they need a restart, the others do not."""
    restarted: tuple[Process, ...] = ()
    """Services that the development host restarted for it, each READY again."""


def apply(config: Path, layout: Layout, *, check_only: bool = False) -> ApplyResult:
    """Check a configuration and put it in force; where ``psictl dev`` runs, restart what changed.

    Raises ConfigInvalid with all errors at once, and PsiError where it cannot be written: in both
    cases nothing was changed. Raises PsiError too where a restarted service does not get READY.
    """
    loaded = in_development(load(config), layout)
    if check_only:
        current = current_generation(layout)
        return ApplyResult(current.number if current else 0, loaded.notices)
    result = _write(loaded, config, layout)
    if layout.is_host:
        return result
    return replace(result, restarted=reload_development_host(layout))


def write(config: Path, layout: Layout) -> ApplyResult:
    """Put a configuration in force and tell nobody: ``psictl dev`` starts with it."""
    return _write(in_development(load(config), layout), config, layout)


def _write(loaded: LoadedConfig, config: Path, layout: Layout) -> ApplyResult:
    try:
        with open_private(layout.config_dir) as folder, generation.locked(folder):
            return _publish(loaded, config, layout, folder)
    except PermissionError as error:
        raise PsiError(f"cannot write {layout.config_dir}: {error.strerror}; run as root") from None
    except OSError as error:
        raise PsiError(
            f"cannot write {layout.config_dir}: {error.strerror}; "
            "what was in force still is; free or mend that file system and apply again"
        ) from error


def _publish(loaded: LoadedConfig, config: Path, layout: Layout, folder: int) -> ApplyResult:
    current = generation.read_current(folder)
    manifest, files = current or (None, {})
    number = generation.next_number(folder)
    derived, changed = derive(loaded, number, layout, files)
    if file_name(Process.SEALER) in derived:
        keep_host_secret(folder)
    if manifest and derived == files and manifest.config_sha256 == loaded.sha256:
        return ApplyResult(manifest.number, loaded.notices)
    new = Generation(number, loaded.sha256, time.time(), str(config.absolute()))
    generation.publish(folder, new, derived)
    notices = (*loaded.notices, *_idle(layout, files, derived), *_prune(folder))
    return ApplyResult(number, notices, written=True, changed=changed)


def _idle(layout: Layout, before: Collection[str], now: Collection[str]) -> tuple[str, ...]:
    """Tell a person to stop what has nothing to do any more: it still holds a key."""
    name = file_name(Process.SEALER)
    if name in before and name not in now and layout.is_host:
        return (f"the sealer is not needed any more: systemctl stop {Process.SEALER.unit}",)
    return ()


def _prune(folder: int) -> tuple[str, ...]:
    """Remove old generations; the new one is in force whether or not that succeeds."""
    try:
        generation.prune(folder)
    except OSError as error:
        return (f"an old generation could not be removed: {error.strerror}",)
    return ()
