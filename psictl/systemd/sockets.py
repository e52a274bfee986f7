"""The sockets that do not listen although they should: nothing that asks there is answered."""

from collections.abc import Mapping

from psi.shared.errors import PsiError
from psictl.install.shipped import ANY_SYSTEMD, read_shipped, shipped_folder, unit_names
from psictl.layout import Layout
from psictl.systemd.judgement import failure
from psictl.systemd.show import Unit, is_booted, show


def failed_sockets(layout: Layout) -> list[str]:
    """Return one line for each socket that failed, with the way to start it.

    Nothing where this is not the host itself, or where systemd does not run it.
    """
    if not layout.is_host or not is_booted():
        return []
    try:
        names = unit_names(read_shipped(shipped_folder(), ANY_SYSTEMD).texts)
        units = show([name for name in names if name.endswith((".socket", ".service"))])
    except PsiError as error:
        return [f"the sockets' state is not known: {error}"]
    return told_of_failed(units)


def told_of_failed(units: Mapping[str, Unit]) -> list[str]:
    """Return what to tell of those that failed."""
    failed = [unit for unit in units.values() if unit.active == "failed"]
    return [str(failure(unit, units)) for unit in failed if unit.name.endswith(".socket")]
