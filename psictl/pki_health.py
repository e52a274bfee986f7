"""pki's part of the status: whether it is to be there, and what is wrong with it."""

from pathlib import Path

from psi.shared.messages.pki import PkiStatusReply
from psi.shared.names import printable
from psi.shared.processes import Process
from psictl.layout import Layout

_DETAIL_CHARACTERS = 200


def pki_expected(layout: Layout) -> bool:
    """Whether pki is to answer: always on a development host, where it is installed on a host."""
    return not layout.is_host or pki_installed(layout)


def pki_installed(layout: Layout) -> bool:
    """Whether its socket is there, or the unit that makes it: a stopped one removes its file.

    What may not be looked at is there: its client says that root may.
    """
    unit = layout.root / "usr/lib/systemd/system/psi-pki-ctl.socket"
    return _is_there(layout.control_socket(Process.PKI)) or _is_there(unit)


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        return not isinstance(error, FileNotFoundError | NotADirectoryError)
    return True


def pki_problems(pki: PkiStatusReply) -> list[str]:
    """Return what keeps pki from doing what it is for."""
    if pki.broker_answers:
        return []
    detail = printable(pki.detail, _DETAIL_CHARACTERS) or "see the log of psi-pki.service"
    return [f"pki gets no answer from the broker: {detail}"]


def pki_line(pki: PkiStatusReply) -> str:
    """Return pki in a line."""
    return "answers" if pki.broker_answers else "answers, without the broker"
