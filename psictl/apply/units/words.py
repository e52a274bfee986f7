"""Text from outside, written so that systemd reads back the same text.

systemd.syntax(7) and systemd.unit(5), "Specifiers": ``%`` starts a specifier, quotes and
whitespace part a list, ``:`` parts a bind mount, a backslash at the end joins lines. A backslash
means itself in some settings (ExecPaths=) and an escape in others (BindPaths=; 252 tried), so it
is refused rather than guessed.
"""

import re

from psi.shared.errors import ConfigError
from psi.shared.names import printable

_UNTOLD = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
_PLAIN = re.compile(r"[A-Za-z0-9_./@+=,-]+")


def literal(text: str) -> str:
    """Return text for the rest of a line, as in ``LoadCredential=NAME:…``.

    Raises ConfigError for text that is empty, has a control character or a backslash in it, or
    a space at an end.
    """
    if not text or _UNTOLD.search(text) or text != text.strip(" "):
        raise ConfigError(
            f"{printable(text, 100)!r} cannot be told to systemd: it is empty, or has a control "
            "character, a backslash, or a space at an end; rename it"
        )
    return text.replace("%", "%%")


def word(text: str) -> str:
    """Return text as one word of a list, in quotes where it needs them; raises as literal.

    What has double quotes in it is quoted in pieces, for the quotes of one kind hold the other.
    """
    escaped = literal(text)
    if _PLAIN.fullmatch(escaped):
        return escaped
    pieces = re.findall(r'"+|[^"]+', escaped)
    return "".join(f"'{piece}'" if piece[0] == '"' else f'"{piece}"' for piece in pieces)
