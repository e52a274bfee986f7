"""Tell systemd to run its generators again, so that quadlet reads the new drop-ins."""

import subprocess
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psi.shared.names import printable
from psictl.layout import Layout

RELOAD_SECONDS: Final = 90
"""systemd's own timeout for its generators (systemd.generator(7))."""
BOOTED: Final = Path("/run/systemd/system")
"""There only where systemd is the service manager (sd_booted(3))."""


def reload_systemd(layout: Layout, booted: Path = BOOTED) -> str:
    """Run ``systemctl daemon-reload`` and return what was done, or why it was not.

    Raises PsiError where systemd refuses.
    """
    if not layout.is_host:
        return f"systemd was not reloaded: --root {layout.root} is not this host's own"
    if not booted.is_dir():
        return "systemd was not reloaded: it does not run here"
    try:
        done = subprocess.run(
            ["systemctl", "daemon-reload"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=RELOAD_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PsiError(f"systemctl daemon-reload did not run ({error}); run it by hand") from error
    if done.returncode != 0:
        said = printable(done.stderr.decode("utf-8", "replace").strip(), 200)
        raise PsiError(f"systemctl daemon-reload failed: {said}")
    return "systemd was reloaded"
