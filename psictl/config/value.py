"""A YAML node with its place: what the field parsers read, and sections of known keys."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from psi.shared.errors import ConfigError
from psi.shared.names import printable
from psictl.config.document import NULL_TAG
from psictl.config.problems import Mention, Problems, Unfit

T = TypeVar("T")
MAX_ENTRIES = 10_000
"""Of one list or mapping; beyond it checks across entries would take minutes."""
_KINDS = {ScalarNode: "text", SequenceNode: "a list", MappingNode: "a section of keys"}
_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")
_WORD_START = re.compile(r"[A-Za-z_]{0,20}")


@dataclass(frozen=True)
class Value:
    """A node, the dotted path of keys that leads to it, and where its problems go."""

    node: Node
    path: str
    problems: Problems
    key: str = ""
    """The last key as it stands in the file; ``path`` shows it fit for a message."""

    @property
    def line(self) -> int:
        """The line of the file, from 1."""
        return self.node.start_mark.line + 1

    @property
    def is_null(self) -> bool:
        """Whether nothing is given: no value, ``~`` or ``null`` without quotes."""
        return isinstance(self.node, ScalarNode) and self.node.tag == NULL_TAG

    def error(self, text: str) -> None:
        """Note an error here; ``text`` is ``cause; remedy``."""
        self.problems.error(self.line, self.path, text)

    def notice(self, text: str) -> None:
        """Note something to know here."""
        self.problems.notice(self.line, self.path, text)

    def mention(self, kind: Literal["credential", "file", "module"], name: str) -> None:
        """Note what a service's unit has to be given, so that a host can look for it."""
        self.problems.mentions.append(Mention(self.line, self.path, kind, name))

    def text(self) -> str:
        """Return a scalar's source text; raises Unfit for a list or a section."""
        if isinstance(self.node, ScalarNode):
            return str(self.node.value)
        raise Unfit(f"expected text, found {self._kind()}; give one value")

    def items(self) -> list["Value"]:
        """Return a list's values; raises Unfit for anything else."""
        if not isinstance(self.node, SequenceNode):
            raise Unfit(f"expected a list, found {self._kind()}; write [a, b] or lines with '- '")
        self._check_length()
        return [
            Value(node, f"{self.path}[{index}]", self.problems)
            for index, node in enumerate(self.node.value)
        ]

    def entries(self) -> list[tuple[str, "Value"]]:
        """Return a section's keys and values; raises Unfit for anything else.

        A key that stands twice is an error, and so is one that is not text: YAML would keep the
        last without a word (PyYAML, tried).
        """
        if not isinstance(self.node, MappingNode):
            raise Unfit(f"expected a section of keys, found {self._kind()}; correct the indent")
        self._check_length()
        found: dict[str, Value] = {}
        for key, node in self.node.value:
            self._add_entry(found, key, node)
        return list(found.items())

    def _add_entry(self, found: dict[str, "Value"], key: Node, node: Node) -> None:
        line = key.start_mark.line + 1
        if not isinstance(key, ScalarNode):
            self.problems.error(line, self.path, "a key that is not text; write KEY: VALUE")
            return
        path = _joined(self.path, shown_key(key.value, node))
        value = Value(node, path, self.problems, key.value)
        if key.value in found:
            first = found[key.value].line
            self.problems.error(line, value.path, f"stands twice, first on line {first}; keep one")
        else:
            found[key.value] = value

    def _check_length(self) -> None:
        if len(self.node.value) > MAX_ENTRIES:
            raise Unfit(f"has {len(self.node.value)} entries; at most {MAX_ENTRIES} are taken")

    def _kind(self) -> str:
        return "nothing" if self.is_null else _KINDS[type(self.node)]


Parse = Callable[[Value], T]
"""Types one value; raises ConfigError (Unfit, InvalidName) with ``cause; remedy``."""


@dataclass
class Section:
    """A mapping's entries while they are read: what nobody asked for is unknown."""

    value: Value
    hints: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._entries = dict(self.value.entries())
        self._asked: dict[str, None] = {}

    def find(self, key: str) -> Value | None:
        """Return the value of a key, or None where nothing is given."""
        self._asked[key] = None
        value = self._entries.get(key)
        return None if value is None or value.is_null else value

    def get(self, key: str, parse: Parse[T], default: T) -> T:
        """Return the typed value of an optional key; an error is noted and gives the default."""
        value = self.find(key)
        return default if value is None else attempt(value, parse, default)

    def require(self, key: str, parse: Parse[T], stand_in: T) -> T:
        """Return the typed value of a key that must be there; an error gives the stand-in."""
        value = self.find(key)
        if value is None:
            self.value.error(f"{key} is missing; add it")
            return stand_in
        return attempt(value, parse, stand_in)

    def finish(self) -> None:
        """Note every key that was not asked for, with what to do about it."""
        for key, value in self._entries.items():
            if key not in self._asked:
                value.error(self._unknown(key))

    def _unknown(self, key: str) -> str:
        if key in self.hints:
            return self.hints[key]
        if key == "<<":
            return "merge keys are not taken; write the keys out"
        known = ", ".join(self._asked)
        return f"unknown key; {did_you_mean(key, self._asked) or f'known here: {known}'}"


def section(read: Callable[[Section], T], hints: Mapping[str, str] | None = None) -> Parse[T]:
    """Return the parser of a section; ``hints`` says what to do about keys without a place."""

    def parse(value: Value) -> T:
        entries = Section(value, hints or {})
        result = read(entries)
        entries.finish()
        return result

    return parse


def attempt(value: Value, parse: Parse[T], stand_in: T) -> T:
    """Type a value, or note its error and return the stand-in."""
    try:
        return parse(value)
    except ConfigError as error:
        value.error(str(error))
        return stand_in


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "did you mean X?" for the nearest known word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else ""


def shown_key(key: str, node: Node) -> str:
    """Return a key as messages may show it.

    ``{client_secret:VALUE}`` without a space is one key, and ``{VALUE}`` is a key with no value:
    what may be a value is cut.
    """
    empty = isinstance(node, ScalarNode) and node.tag == NULL_TAG
    whole = _WORD.fullmatch(key) if not (empty and any(c.isdigit() for c in key)) else None
    if whole or key == "<<":
        return key
    start = _WORD_START.match(key)
    return printable(start.group() if start else "") + "…"


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
