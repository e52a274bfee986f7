"""The comment by which a drop-in names the configuration that it was made for."""

import re
from typing import Final

from psi.shared.errors import InvalidName
from psi.shared.names import printable

_REVISION: Final = re.compile(r"[0-9a-f]{32}")
_COMMENT: Final = "# Configuration: "


def parse_revision(text: str) -> str:
    """Return a revision as the broker gives it, 32 hex digits; raises InvalidName.

    It stands in a file that systemd reads, so it may hold nothing else (r1).
    """
    if _REVISION.fullmatch(text) is None:
        raise InvalidName(f"revision {printable(text)!r} is not valid: it has 32 hex digits")
    return text


def revision_comment(revision: str) -> str:
    """Return the line that names a revision; raises InvalidName."""
    return f"{_COMMENT}{parse_revision(revision)}"


def revision_in(text: str) -> str:
    """Return the revision that a drop-in names, or nothing where it names none."""
    for line in text.splitlines():
        if line.startswith(_COMMENT) and _REVISION.fullmatch(line.removeprefix(_COMMENT)):
            return line.removeprefix(_COMMENT)
    return ""
