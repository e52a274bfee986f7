"""The order of an installation: take, look, make beside, switch, restart, tidy up."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psictl.install import making, versions
from psictl.install.driver_conf import CONF_FILE, CONF_FOLDER
from psictl.install.foretelling import foretell, nothing
from psictl.install.locking import check_root, locked
from psictl.install.looking import Outlook, Wanted, look, wanted_texts
from psictl.install.request import Report, Request, Tell
from psictl.install.switching import Switch
from psictl.install.taking import Taken, hand_over, is_own, own_arguments, take
from psictl.install.texts import sweep
from psictl.install.verify import check_programs

_OTHER_FILES: Final = (
    "/usr/local/bin/psictl",
    "/etc/psi/config.yaml.example",
    "/".join(("", *CONF_FOLDER, CONF_FILE)),
)
_READABLE: Final = 0o022
"""The services are other users; what they run is theirs to read whatever root's mask is."""


def install(request: Request, tell: Tell) -> Report:
    """Install, upgrade, or find that nothing is to be done; raises PsiError.

    ``tell`` hears what happens now. Another version's own psictl does it, and where that one
    fails, this exits as it did.
    """
    before = os.umask(_READABLE)
    try:
        with tempfile.TemporaryDirectory(prefix="psi-install-") as folder:
            return _install(request, Path(folder), tell)
    except OSError as error:
        cause = f"{error.filename or 'the system'}: {error.strerror}"
        raise PsiError(f"{cause}; when that is mended, run psictl install again") from error
    finally:
        os.umask(before)


def _install(request: Request, scratch: Path, tell: Tell) -> Report:
    if request.host is not None and not request.dry_run:
        check_root()
    taken = take(request, scratch, tell)
    if not is_own(taken.suite):
        code = hand_over(taken, own_arguments())
        if code != 0:
            sys.exit(code)
        return Report()
    wanted = wanted_texts(request)
    if request.dry_run:
        return foretell(request, wanted, look(request, wanted, taken.suite, scratch, tell))
    with locked(request.places):
        versions.sweep(request.places)
        sweep(request.places.root, [*wanted.texts, *_OTHER_FILES])
        outlook = look(request, wanted, taken.suite, scratch, tell)
        if outlook.is_done:
            return nothing(outlook)
        version = outlook.found or _make(request, wanted, outlook, taken, tell)
        return Switch(request, wanted, outlook, version, tell).run()


def _make(request: Request, wanted: Wanted, outlook: Outlook, taken: Taken, tell: Tell) -> str:
    folder, manifest = making.make_version(outlook.recipe, taken.pip, tell)
    try:
        check_programs(wanted.texts, request.places.prefix, folder)
        return versions.finish(request.places, folder, manifest)
    except BaseException:
        versions.remove(folder)
        raise
