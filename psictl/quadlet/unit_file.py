r"""The grammar of systemd's unit files, which quadlet shares (systemd.syntax(7)).

PSI reads back by it what it writes: a secret's key that carried a newline, or a ``\`` at the
end of a line, would show as another list of entries (r1).
"""

import re
from dataclasses import dataclass
from typing import Final

from psi.shared.errors import ConfigError
from psi.shared.names import printable

_SECTION: Final = re.compile(r"\[([^\[\]\x00-\x1f\x7f]{1,255})\]")
_KEY: Final = re.compile(r"[A-Za-z0-9-]{1,255}")
_COMMENT: Final = ("#", ";")
_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment, in the order of the file; ``line`` is where it begins, from 1."""

    section: str
    key: str
    value: str
    line: int

    @property
    def assignment(self) -> tuple[str, str, str]:
        """Section, key and value: what counts when files are compared."""
        return (self.section, self.key, self.value)


@dataclass(frozen=True, slots=True)
class UnitFile:
    """A parsed file: its assignments, keys repeated as they stood."""

    entries: tuple[Entry, ...]

    @property
    def assignments(self) -> list[tuple[str, str, str]]:
        """Every section, key and value, in the order of the file."""
        return [entry.assignment for entry in self.entries]

    def values(self, section: str, key: str) -> list[str]:
        """Return the values of a list key; an empty assignment empties the list."""
        found: list[str] = []
        for entry in self.entries:
            if (entry.section, entry.key) == (section, key):
                found = [*found, entry.value] if entry.value else []
        return found


def parse_unit_file(text: str, name: str = "unit file") -> UnitFile:
    """Parse a unit file; raises ConfigError naming the file and the line."""
    section = ""
    entries: list[Entry] = []
    for number, line in _logical_lines(text, name):
        if line.startswith("["):
            section = _section(line, name, number)
        else:
            entries.append(_entry(line, section, name, number))
    return UnitFile(tuple(entries))


def _logical_lines(text: str, name: str) -> list[tuple[int, str]]:
    """Join continued lines by a space; comments between them are passed over."""
    lines: list[tuple[int, str]] = []
    begun: tuple[int, str] | None = None
    for number, raw in enumerate(text.removesuffix("\n").split("\n"), start=1):
        if _FORBIDDEN.search(raw) is not None:
            raise ConfigError(f"{name}:{number}: a control character: remove it")
        line = raw.strip(" \t")
        if line.startswith(_COMMENT) or (not line and begun is None):
            continue
        start, before = begun or (number, "")
        if _continues(line):
            begun = (start, f"{before}{line[:-1]} ")
        else:
            lines.append((start, (before + line).strip(" \t")))
            begun = None
    if begun is not None:
        raise ConfigError(f"{name}:{begun[0]}: the last line ends in a backslash: remove it")
    return [(number, line) for number, line in lines if line]


def _continues(line: str) -> bool:
    r"""Tell whether the line ends in a backslash that no other one escapes."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _section(line: str, name: str, number: int) -> str:
    match = _SECTION.fullmatch(line)
    if match is None:
        raise ConfigError(f"{name}:{number}: {printable(line)!r} is no section: write [Name]")
    return match[1]


def _entry(line: str, section: str, name: str, number: int) -> Entry:
    key, equals, value = line.partition("=")
    key = key.rstrip(" \t")
    if not equals or _KEY.fullmatch(key) is None:
        raise ConfigError(f"{name}:{number}: {printable(line)!r} is no assignment: write Key=value")
    if not section:
        raise ConfigError(f"{name}:{number}: {key}= stands before any [Section]: add one above it")
    return Entry(section, key, value.lstrip(" \t"), number)
