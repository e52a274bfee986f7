"""Composes a file's YAML nodes and nothing more: no scalar gets a type here.

YAML's own typing read ``mode: 0640`` as 416, ``environment: on`` as True and ``id: 012345`` as
5349 (PyYAML, tried), so the schema types each scalar from its source text. Anchors, aliases and
tags are refused: a configuration needs none, and a value that starts with ``*``, ``&`` or ``!``
is more often a secret that wants quotes, which is why no message repeats it.
"""

import re

import yaml
from yaml.nodes import Node, ScalarNode

from psictl.config.problems import Problems

MAX_DEPTH = 24
"""The deepest key of the schema lies at 8; the composer recurses, so there must be an end."""
NULL_TAG = "tag:yaml.org,2002:null"
_TAGGED = yaml.ScalarEvent | yaml.SequenceStartEvent | yaml.MappingStartEvent
_QUOTED = re.compile(r"'(?!<)[^']{2,}'")
"""In PyYAML's messages: a word of the file. Token names (``'<block end>'``) may stay."""


class _TooDeepError(yaml.YAMLError):
    """The file nests deeper than MAX_DEPTH."""


class _Loader(yaml.SafeLoader):
    """Refuses what the module's docstring says, and goes on to find the other errors."""

    problems: Problems
    depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # types-PyYAML leaves it bare
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]  # types-PyYAML leaves it bare
            self.problems.error(line, "", "an alias (*name); put quotes around a value with *")
            return ScalarNode(NULL_TAG, "", event.start_mark, event.end_mark)  # type: ignore[arg-type]  # an event that was read has marks
        self._refuse_decoration(event, line)
        if self.depth >= MAX_DEPTH:
            raise _TooDeepError(f"line {line}")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _refuse_decoration(self, event: yaml.Event, line: int) -> None:
        if not isinstance(event, yaml.NodeEvent):
            return
        if event.anchor is not None:
            event.anchor = None
            self.problems.error(line, "", "an anchor (&name); put quotes around a value with &")
        if isinstance(event, _TAGGED) and event.tag is not None:
            event.tag = None
            self.problems.error(line, "", "a tag (!name); put quotes around a value with !")


def compose(text: str, problems: Problems) -> Node | None:
    """Return the file's root node, or None where it is no single YAML document."""
    try:
        loader = _Loader(text)
        loader.problems = problems
        return loader.get_single_node()
    except _TooDeepError as error:
        problems.error(0, "", f"{error} lies over {MAX_DEPTH} levels deep; correct the indent")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.error(line, "", "a character that YAML does not allow; remove it")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        cause = _QUOTED.sub("'…'", error.problem or "not YAML")
        problems.error(mark.line + 1 if mark else 0, "", f"not YAML: {cause}; correct the line")
    return None
