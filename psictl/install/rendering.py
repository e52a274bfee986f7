"""The unit files as they are installed: for this prefix and this interpreter.

The shipped files are complete for /usr/lib/psi and a Debian's Python; only another prefix or
interpreter adds lines, next to the lines of the same kind.
"""

import re
from typing import Final

from psictl.install.places import PREFIX, UNITS, Places
from psictl.install.shipped import Shipped

HEADER: Final = (
    "# Installed by psictl install. Change it by a drop-in (systemctl edit), not here.\n"
)
_EXEC: Final = re.compile(r"^ExecPaths=[-+]*(/\S*)$", re.MULTILINE)
_READ_ONLY: Final = re.compile(r"^ReadOnlyPaths=[-+]*(/\S*)$", re.MULTILINE)
_BIND: Final = re.compile(r"^BindReadOnlyPaths=-?(/[^\s:]*)\S*$", re.MULTILINE)
_PREFIX: Final = re.compile(re.escape(PREFIX) + r"(?=[/\s:]|$)")


def render(shipped: Shipped, places: Places, interpreter: str) -> dict[str, str]:
    """Return the text of each file by its path on the host.

    The interpreter is the real file that the virtual environments run, an absolute path.
    """
    return {
        path: HEADER + _render(path, text, places.prefix, interpreter)
        for path, text in shipped.texts.items()
    }


def _render(path: str, text: str, prefix: str, interpreter: str) -> str:
    text = _PREFIX.sub(prefix, text)
    if not (path.startswith(f"{UNITS}/") and path.endswith(".service")):
        return text
    runnable = _uncovered(text, _EXEC, prefix, interpreter)
    text = _add(text, _EXEC, "ExecPaths=+{0}", runnable)
    text = _add(text, _READ_ONLY, "ReadOnlyPaths=+{0}", runnable)
    visible = _uncovered(text, _BIND, prefix, interpreter)
    return _add(text, _BIND, "BindReadOnlyPaths={0}:{0}:norbind", visible)


def _uncovered(text: str, lines: re.Pattern[str], *wanted: str) -> list[str]:
    """Return the paths that none of the lines of a kind covers; none if there are no lines."""
    present = [match[1].rstrip("/") for match in lines.finditer(text)]
    return [
        path
        for path in wanted
        if present and not any(f"{path}/".startswith(f"{has}/") for has in present)
    ]


def _add(text: str, lines: re.Pattern[str], form: str, paths: list[str]) -> str:
    """Add a line for each path behind the last one of its kind, if there is one."""
    end = max((match.end() for match in lines.finditer(text)), default=None)
    if end is None:
        return text
    return text[:end] + "".join("\n" + form.format(path) for path in paths) + text[end:]
