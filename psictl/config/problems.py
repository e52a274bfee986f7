"""What is wrong with a configuration: all of it at once, each with file, line and key."""

from dataclasses import dataclass, field
from typing import Literal

from psi.shared.errors import ConfigError
from psi.shared.names import printable

MAX_SHOWN = 100
"""Lines that a person reads; a file with more errors has one cause, such as a lost indent."""
MAX_TEXT = 600
"""Characters of one problem; foreign text in it is cut long before."""


class Unfit(ConfigError):
    """A value that its field does not take; the text is ``cause; remedy``."""


class ConfigInvalid(ConfigError):
    """The configuration has errors; nothing was changed.

    ``errors`` has one line each; the message is all of them.
    """

    def __init__(self, errors: tuple[str, ...]) -> None:
        shown = list(errors[:MAX_SHOWN])
        if len(errors) > MAX_SHOWN:
            shown.append(f"and {len(errors) - MAX_SHOWN} more; correct these first")
        super().__init__("\n".join(shown))
        self.errors = errors


@dataclass(frozen=True, order=True)
class _Problem:
    line: int
    path: str
    text: str

    def shown(self, file: str) -> str:
        place = f"{file}:{self.line}: " if self.line else f"{file}: "
        return place + (f"{self.path}: " if self.path else "") + printable(self.text, MAX_TEXT)


@dataclass(frozen=True, order=True)
class Mention:
    """Something outside of the file that a service needs to be given, and where it is named."""

    line: int
    path: str
    """The dotted path of keys."""
    kind: Literal["credential", "file", "module"]
    """A systemd credential, a file that the broker reads at each login, a PKCS#11 module."""
    name: str


@dataclass(frozen=True)
class Problems:
    """Collects errors and notices while a file is read, and what it names outside of itself."""

    file: str
    _errors: list[_Problem] = field(default_factory=list)
    _notices: list[_Problem] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)

    def error(self, line: int, path: str, text: str) -> None:
        """Note an error; ``text`` is ``cause; remedy`` and holds no secret."""
        self._errors.append(_Problem(line, path, text))

    def notice(self, line: int, path: str, text: str) -> None:
        """Note what a person should know although the configuration is valid."""
        self._notices.append(_Problem(line, path, text))

    @property
    def has_errors(self) -> bool:
        """Whether an error was noted."""
        return bool(self._errors)

    def raise_errors(self) -> None:
        """Raise ConfigInvalid with all errors in the order of the file, if there are any."""
        if self._errors:
            raise ConfigInvalid(self._shown(self._errors))

    def notices(self) -> tuple[str, ...]:
        """Return the notices in the order of the file."""
        return self._shown(self._notices)

    def _shown(self, problems: list[_Problem]) -> tuple[str, ...]:
        return tuple(problem.shown(self.file) for problem in sorted(problems))
