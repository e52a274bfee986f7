"""psi-broker.service: what it reads, and where it may connect to."""

from pathlib import Path

from psi.shared.processes import Process
from psictl.apply.units.circumstances import Circumstances
from psictl.apply.units.credentials import named_lines, projection_line
from psictl.apply.units.dropin import Sections
from psictl.apply.units.mounts import shown
from psictl.apply.units.reach import reach
from psictl.apply.units.sight import broker_sees
from psictl.config.projection import credentials, files


def broker_sections(host: Circumstances) -> Sections:
    """Return the broker's settings."""
    return {
        "Service": [
            projection_line(host, Process.BROKER),
            *named_lines(host, credentials(host.broker)),
            *_bind_lines(host),
            *reach(host.broker.infisical).lines(),
        ]
    }


def _bind_lines(host: Circumstances) -> list[str]:
    """Return the folders of files that are read anew at each login; they may come later."""
    unseen = {path for path in files(host.broker) if not broker_sees(path)}
    folders = sorted({str(Path(path).parent) for path in unseen})
    return [line for folder in folders for line in shown(folder)]
