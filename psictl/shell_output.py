"""Secrets as text for ``eval`` or an env file: all of them pass, or nothing is printed (r12)."""

import re
import shlex
from collections.abc import Callable, Collection, Iterable
from enum import StrEnum

from psi.shared.errors import InvalidName, PsiError
from psi.shared.messages.broker import SecretEntry
from psi.shared.names import parse_environment_name, printable
from psi.shared.secret import SecretBytes
from psictl.guarded_names import guard_reason

_LINE_BREAK = re.compile(r"[\n\r]")


class ShellFormat(StrEnum):
    """How ``psictl infisical env`` writes its lines."""

    EXPORT = "export"
    """``export K='v'``, for the eval of a POSIX shell."""
    ENV = "env"
    """``K=v``, taken literally, as ``podman run --env-file`` reads it."""


def render_secrets(
    secrets: Iterable[SecretEntry], style: ShellFormat, only: Collection[str] = ()
) -> SecretBytes:
    """Return the lines of all secrets.

    ``only`` holds the names that a person asked for; guarded names must be among them.
    Raises PsiError naming every key that cannot be written, and none of their values.
    """
    lines: list[str] = []
    faults: list[str] = []
    for entry in secrets:
        try:
            lines.append(_line(entry, style, only))
        except _Unfit as unfit:
            faults.append(f"{printable(entry.key)}: {unfit}")
    if faults:
        raise PsiError("nothing was printed:\n  " + "\n  ".join(faults))
    return SecretBytes("".join(lines).encode())


class _Unfit(Exception):
    """Why one secret cannot be written; holds nothing of its value."""


def _line(entry: SecretEntry, style: ShellFormat, only: Collection[str]) -> str:
    try:
        name = parse_environment_name(entry.key)
    except InvalidName as error:
        raise _Unfit("not the name of an environment variable; rename it in Infisical") from error
    reason = guard_reason(name)
    if reason is not None and name not in only:
        raise _Unfit(f"{reason}; name every variable you want with --only, this one too")
    return _WRITERS[style](name, _text(entry.value))


def _text(value: SecretBytes) -> str:
    try:
        text = value.reveal().decode()
    except UnicodeDecodeError as error:
        # ``from error`` would carry the value along: UnicodeDecodeError holds its object.
        position = error.start
    else:
        if "\0" in text:
            raise _Unfit("its value has a NUL, which no variable holds; use write-file")
        return text
    raise _Unfit(f"its value is not UTF-8 text (byte {position}); use write-file")


def _export(name: str, text: str) -> str:
    return f"export {name}={shlex.quote(text)}\n"


def _assign(name: str, text: str) -> str:
    if _LINE_BREAK.search(text) is not None:
        raise _Unfit("its value has a line break, which would forge a line; use --format export")
    return f"{name}={text}\n"


_WRITERS: dict[ShellFormat, Callable[[str, str], str]] = {
    ShellFormat.EXPORT: _export,
    ShellFormat.ENV: _assign,
}
