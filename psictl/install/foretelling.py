"""What an installation would do, said without doing it."""

from psictl.install.driver_conf import CONF_FILE, CONF_FOLDER
from psictl.install.host import active
from psictl.install.looking import Outlook, Wanted
from psictl.install.request import Report, Request
from psictl.install.shipped import unit_names


def foretell(request: Request, wanted: Wanted, outlook: Outlook) -> Report:
    """Return what would be done, file by file; raises PsiError."""
    if outlook.is_done:
        return nothing(outlook)
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
        report.changes.append(f"{places.root.joinpath(*CONF_FOLDER, CONF_FILE)}: would be written")
    if outlook.launcher_new:
        report.changes.append(f"{places.launcher}: would be written")
    if request.host is not None and request.host.booted():
        running = active(request.host, unit_names(wanted.texts))
        report.changes += [f"{unit}: would be restarted" for unit in running]
    report.notes += wanted.driver_messages
    return report


def nothing(outlook: Outlook) -> Report:
    """Return that all is as it should be."""
    suite = outlook.recipe.suite
    told = f"psi-suite {suite.version} ({outlook.before}) is installed already: nothing was changed"
    return Report(notes=[told])
