"""The order of an installation: look, make beside, switch, restart, tidy up."""

import os
import tempfile
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psictl.install import making, switching, versions
from psictl.install.locking import check_root, locked
from psictl.install.looking import Outlook, Wanted, look, start_pip, wanted_texts
from psictl.install.pip import Pip
from psictl.install.request import Report, Request, Tell
from psictl.install.texts import sweep
from psictl.install.verify import check_programs

_READABLE: Final = 0o022
"""The services are other users; what they run is theirs to read whatever root's mask is."""


def install(request: Request, tell: Tell) -> Report:
    """Install, upgrade, or find that nothing is to be done; raises PsiError.

    ``tell`` hears what happens now.
    """
    before = os.umask(_READABLE)
    try:
        return _install(request, tell)
    except OSError as error:
        cause = f"{error.filename or 'the system'}: {error.strerror}"
        raise PsiError(f"{cause}; when that is mended, run psictl install again") from error
    finally:
        os.umask(before)


def _install(request: Request, tell: Tell) -> Report:
    with tempfile.TemporaryDirectory(prefix="psi-install-") as folder:
        scratch = Path(folder)
        wanted = wanted_texts(request)
        if request.dry_run:
            outlook, _ = look(request, wanted, scratch, tell)
            return foretell(request, wanted, outlook)
        check_root(request.places)
        with locked(request.places):
            versions.sweep(request.places)
            sweep(request.places.root, wanted.texts)
            outlook, pip = look(request, wanted, scratch, tell)
            if outlook.is_done:
                return _nothing(outlook)
            version = outlook.found or _make(request, wanted, outlook, pip, scratch, tell)
            return _switch(request, wanted, outlook, version, tell)


def foretell(request: Request, wanted: Wanted, outlook: Outlook) -> Report:
    """Return what an installation would do."""
    if outlook.is_done:
        return _nothing(outlook)
    report, places = Report(), request.places
    suite = outlook.recipe.suite
    if outlook.found is None:
        report.changes.append(f"psi-suite {suite.version}: would be made below {places.versions}")
    if outlook.found is None or outlook.found != outlook.before:
        report.changes.append(f"{places.current}: would lead to it")
    report.changes += [f"{change.path}: would be {change.told}" for change in outlook.changes]
    if outlook.folders:
        report.changes.append(f"{places.skeleton}: would be written")
    if outlook.driver_new:
        report.changes.append("etc/containers/containers.conf.d/psi.conf: would be written")
    if outlook.launcher_new:
        report.changes.append(f"{places.launcher}: would be written")
    report.notes += wanted.driver_messages
    return report


def _nothing(outlook: Outlook) -> Report:
    suite = outlook.recipe.suite
    told = f"psi-suite {suite.version} ({outlook.before}) is installed already: nothing was changed"
    return Report(notes=[told])


def _make(
    request: Request, wanted: Wanted, outlook: Outlook, pip: Pip | None, scratch: Path, tell: Tell
) -> str:
    pip = pip or start_pip(request, wanted.interpreter, scratch, tell)
    folder, manifest = making.make_version(outlook.recipe, pip, tell)
    try:
        check_programs(wanted.texts, request.places.prefix, folder)
        return versions.finish(request.places, folder, manifest)
    except BaseException:
        versions.remove(folder)
        raise


def _switch(request: Request, wanted: Wanted, outlook: Outlook, version: str, tell: Tell) -> Report:
    places = request.places
    began = not places.unfinished.exists()
    switching.begin(places, outlook.before)
    try:
        report = switching.switch(request, wanted, outlook, version, tell)
    except PsiError:
        if began and versions.in_force(places) == outlook.before:
            places.unfinished.unlink()
        raise
    if version != outlook.before:
        report.changes.insert(0, f"psi-suite {outlook.recipe.suite.version}: {version} is in force")
    switching.end(places, outlook, version, report, tell)
    return report
