"""Stands in for systemctl and systemd-analyze: it replays what real ones printed.

    replay.py FOLDER systemctl --version | show … -- UNIT…
    replay.py FOLDER systemd-analyze security … -- UNIT…

FOLDER has ``version``, ``units`` (blocks of ``systemctl show``, as recorded) and ``security``.
A file ``stderr`` there makes every ``show`` fail with its text; ``hang`` makes it wait for ever.
Of a unit that was not recorded it says what systemd 252 and 257 say of one that there is not.
"""

import os
import sys
import time
from pathlib import Path
from typing import Final

_ABSENT: Final = {
    "LoadState": "not-found",
    "ActiveState": "inactive",
    "SubState": "dead",
    "NeedDaemonReload": "no",
}
_OF_TYPE: Final = {
    "NRestarts": (".service",),
    "Result": (".service", ".socket", ".timer"),
    "LastTriggerUSec": (".timer",),
    "NextElapseUSecRealtime": (".timer",),
    "NextElapseUSecMonotonic": (".timer",),
}
"""Properties that only some types of unit have."""


def main(folder: Path, program: str, arguments: list[str]) -> int:
    """Print what was recorded; 1 for what the real program would refuse."""
    if arguments == ["--version"]:
        sys.stdout.write(f"systemd {(folder / 'version').read_text().strip()} (recorded)\n")
        return 0
    if (folder / "hang").exists():
        while True:
            time.sleep(60)
    if (folder / "stderr").exists():
        sys.stderr.write((folder / "stderr").read_text())
        return 1
    options, names = arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]
    if program == "systemd-analyze":
        sys.stdout.write((folder / "security").read_text())
        return 0
    if "--timestamp=unix" not in options or os.environ.get("TZ") != "UTC":
        sys.stderr.write("times were recorded in UTC, and as seconds since the epoch\n")
        return 1
    asked = next(word for word in options if word.startswith("--property=")).partition("=")[2]
    blocks = [block(folder, name, asked.split(",")) for name in names]
    sys.stdout.write("\n\n".join(blocks) + "\n")
    return 0


def block(folder: Path, name: str, asked: list[str]) -> str:
    """Return a unit's block as recorded; ``asked`` are the properties of one that was not."""
    for text in (folder / "units").read_text().strip("\n").split("\n\n"):
        if f"Id={name}" in text.splitlines():
            return text
    error = f'org.freedesktop.systemd1.NoSuchUnit "Unit {name} not found."'
    fields = {"Id": name, "LoadError": error, **_ABSENT}
    shown = [key for key in asked if name.endswith(_OF_TYPE.get(key, ""))]
    return "\n".join(f"{key}={fields.get(key, '0' if key == 'NRestarts' else '')}" for key in shown)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
