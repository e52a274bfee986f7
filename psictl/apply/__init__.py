"""``psictl apply``: one generation of everything derived, put in force at once.

It is explicit, as ``netplan apply`` is (r6): no path unit applies a half-edited file, and after a
mistake the last good generation persists across reboots.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from psi.shared.errors import PsiError
from psictl.apply.derive import derive
from psictl.apply.development import reload_development_host
from psictl.apply.generation import Generation, current_generation
from psictl.apply.result import ApplyResult
from psictl.apply.stand_in import in_development
from psictl.apply.store import Store, open_store
from psictl.apply.systemctl import Manager, Systemctl
from psictl.apply.transaction import Transaction
from psictl.config import load
from psictl.layout import Layout

__all__ = ["ApplyResult", "Generation", "apply", "current_generation", "rollback", "write"]


def apply(
    config: Path, layout: Layout, *, check_only: bool = False, manager: Manager | None = None
) -> ApplyResult:
    """Check a configuration and put it in force; then restart what changed.

    On a host ``manager`` is its systemd; elsewhere there is none but for tests, and ``psictl dev``
    restarts what changed, where it runs. Raises ConfigInvalid with all errors at once, and
    PsiError where it cannot be written: in both cases nothing was changed. Raises PsiError too
    where a service of the development host does not get READY.
    """
    manager = manager or _manager_of(layout)
    loaded = in_development(load(config), layout)
    if check_only:
        current = current_generation(layout)
        number = current.number if current else 0
        derive(loaded, number or 1, layout, {}, for_systemd=manager is not None)
        return ApplyResult(number, loaded.notices)
    with _writing(layout, manager) as store:
        result = Transaction(store, layout, manager).publish(loaded, config)
    return _in_development_told(result, layout, manager)


def rollback(layout: Layout, *, manager: Manager | None = None) -> ApplyResult:
    """Put the generation in force that was so before; restart what changed. Raises PsiError."""
    manager = manager or _manager_of(layout)
    with _writing(layout, manager) as store:
        result = Transaction(store, layout, manager).go_back()
    return _in_development_told(result, layout, manager)


def write(config: Path, layout: Layout) -> ApplyResult:
    """Put a configuration in force and tell nobody: ``psictl dev`` starts with it."""
    loaded = in_development(load(config), layout)
    with _writing(layout, None) as store:
        return Transaction(store, layout, None).publish(loaded, config)


def _manager_of(layout: Layout) -> Manager | None:
    return Systemctl() if layout.is_host else None


def _in_development_told(
    result: ApplyResult, layout: Layout, manager: Manager | None
) -> ApplyResult:
    if manager is not None:
        return result
    return replace(result, restarted=tuple(map(str, reload_development_host(layout))))


@contextmanager
def _writing(layout: Layout, manager: Manager | None) -> Iterator[Store]:
    places = str(layout.config_dir) + (f" and {layout.generated}" if manager else "")
    try:
        with open_store(layout, for_systemd=manager is not None) as store:
            yield store
    except PermissionError as error:
        raise PsiError(f"cannot write {places}: {error.strerror}; run as root") from None
    except OSError as error:
        raise PsiError(
            f"cannot write {places}: {error.strerror}; "
            "what was in force still is; free or mend that file system and apply again"
        ) from error
