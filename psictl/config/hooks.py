"""Hook commands: split into arguments, never given to a shell.

What only a shell would understand is refused with its line, since run without one it would do
something else than it says.
"""

import re
import shlex

from psi.shared.names import printable
from psictl.config.fields import MAX_TEXT
from psictl.config.problems import Unfit
from psictl.config.value import Value

_IN_DOUBLE_QUOTES = frozenset("`$\n")
_ACTIVE = {"": frozenset("|&;<>()`$\n"), '"': _IN_DOUBLE_QUOTES, "'": frozenset("\n")}
"""What a shell acts on, by the quote that it stands in."""
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


def hook(value: Value) -> tuple[str, ...]:
    """Return a hook's argument list; raises Unfit for shell operators and unclosed quotes."""
    text = value.text()
    if len(text) > MAX_TEXT:
        raise Unfit(f"has {len(text)} characters; put a long command in a script")
    operator = _shell_operator(text)
    if operator:
        raise Unfit(
            f"{operator!r} is the shell's, and hooks run without one; put the command in a script "
            "and name that, or quote it with '…'"
        )
    return _checked(_split(text))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Unfit(f"is no command: {error}; correct the quotes") from None


def _checked(arguments: list[str]) -> tuple[str, ...]:
    if not arguments or not arguments[0]:
        raise Unfit("is empty; give a command")
    if not all(word.isprintable() for word in arguments):
        raise Unfit("has a control character; put the command in a script")
    program = arguments[0]
    if _ASSIGNMENT.match(program):
        raise Unfit("sets a variable, as only a shell does; write env NAME=VALUE COMMAND")
    if "/" in program and not program.startswith("/"):
        raise Unfit(f"{printable(program)!r} is relative; give its path from / on")
    return tuple(arguments)


def _shell_operator(text: str) -> str:
    """Return the first character that a shell would act on, quotes considered, or nothing."""
    quote, escaped = "", False
    for character in text:
        if escaped:
            escaped = False
            # shlex keeps the backslash of "\$x", the shell drops it: refused, not guessed.
            if quote and character in _IN_DOUBLE_QUOTES:
                return character
        elif character == "\\" and quote != "'":
            escaped = True
        elif character in "'\"" and quote in {"", character}:
            quote = "" if quote else character
        elif character in _ACTIVE[quote]:
            return character
    return ""
