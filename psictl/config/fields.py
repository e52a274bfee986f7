"""Parsers of single values: the schema's types, read from the source text.

Each raises Unfit with ``cause; remedy``. Those of secret and credential-bearing fields never
repeat what they were given.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from psi.shared.limits import CONFIG_ITEMS
from psi.shared.names import printable
from psi.shared.secret import SecretBytes
from psictl.config.problems import Unfit
from psictl.config.value import Parse, Value, attempt, did_you_mean

T = TypeVar("T")
C = TypeVar("C", bound=str)
MAX_TEXT = 1024
"""Characters of a text field, as the projection's types bound it."""
MAX_SECRET = 65_536
"""Bytes of a credential: a JWT has a few KiB, a certificate chain with its key some 20."""

_DURATION = re.compile(r"([1-9][0-9]{0,8})([dhms])")
_SECONDS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_CERTIFICATE_TTL = re.compile(r"[1-9][0-9]{0,4}[dh]")
_INTEGER = re.compile(r"0|[1-9][0-9]{0,9}")
_MODE = re.compile(r"0?[0-7]{3}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


def plain(value: Value) -> str:
    """Return text of 1 to MAX_TEXT characters without control characters; never repeated."""
    text = value.text()
    if not text:
        raise Unfit("is empty; give a value")
    if len(text) > MAX_TEXT:
        raise Unfit(f"has {len(text)} characters; at most {MAX_TEXT} are taken")
    if _CONTROL.search(text) or text != text.strip():
        raise Unfit("has a control character or a space at an end; remove it")
    return text


def secret(value: Value) -> SecretBytes:
    """Return a secret of 1 to MAX_SECRET bytes; nothing about it is ever shown."""
    return checked_secret(value.text().encode("utf-8", "surrogatepass"))


def checked_secret(data: bytes) -> SecretBytes:
    """Return bytes as a secret; raises Unfit for what no credential holds."""
    if not data:
        raise Unfit("is empty; give a value")
    if len(data) > MAX_SECRET:
        raise Unfit(f"is longer than {MAX_SECRET} bytes; this is no credential")
    if b"\0" in data:
        raise Unfit("has a NUL byte; this is no credential")
    return SecretBytes(data)


def named(parse: Callable[[str], str]) -> Parse[str]:
    """Return the parser of a kind of name (psi.shared.names)."""
    return lambda value: parse(value.text())


def identifier(value: Value) -> str:
    """Return an id as Infisical gives it: a UUID or a slug, kept as text (``012345``)."""
    text = value.text()
    if _IDENTIFIER.fullmatch(text) is None:
        raise Unfit("is no id; copy it from Infisical: letters, digits, '_', '.' and '-'")
    return text


def flag(value: Value) -> bool:
    """Return ``true`` or ``false``; YAML's other words for them are refused, not guessed."""
    text = value.text()
    if text not in {"true", "false"}:
        raise Unfit(f"{printable(text, 20)!r} is no truth value; write true or false")
    return text == "true"


def choice(*options: C) -> Parse[C]:
    """Return the parser of one of a few words."""

    def parse(value: Value) -> C:
        text = value.text()
        for option in options:
            if option == text:
                return option
        hint = did_you_mean(text, options) or "choose one of " + ", ".join(options)
        raise Unfit(f"{printable(text, 40)!r} is not known; {hint}")

    return parse


def integer(low: int, high: int) -> Parse[int]:
    """Return the parser of a decimal number from ``low`` to ``high``."""

    def parse(value: Value) -> int:
        text = value.text()
        if _INTEGER.fullmatch(text) is None or not low <= int(text) <= high:
            raise Unfit(f"{printable(text, 20)!r} is not a number from {low} to {high}; correct it")
        return int(text)

    return parse


def duration(low: int, high: int, *, bare_seconds: bool = False) -> Parse[int]:
    """Return the parser of ``90d``, ``12h``, ``30m`` or ``10s`` as seconds, within bounds.

    A bare number counts only where ``bare_seconds`` says so.
    """

    def parse(value: Value) -> int:
        text = value.text()
        seconds = _seconds(
            text + "s" if bare_seconds and text.isascii() and text.isdigit() else text
        )
        if not low <= seconds <= high:
            raise Unfit(f"{text} is out of bounds; it takes {low}s to {high}s")
        return seconds

    return parse


def _seconds(text: str) -> int:
    match = _DURATION.fullmatch(text)
    if match is None:
        cause = f"{printable(text, 20)!r} is no duration"
        raise Unfit(f"{cause}; write a number and d, h, m or s, such as 90d, 12h, 30m or 10s")
    return int(match[1]) * _SECONDS[match[2]]


def certificate_ttl(value: Value) -> str:
    """Return ``Nd`` or ``Nh`` as Infisical takes it: it reads ``5m`` as five months."""
    text = value.text()
    if _CERTIFICATE_TTL.fullmatch(text) is None:
        raise Unfit(f"{printable(text, 20)!r} is no life of a certificate; write Nd or Nh, as 90d")
    return text


def octal_mode(value: Value) -> str:
    """Return a file mode as four octal digits, with or without quotes in the file."""
    text = value.text()
    if _MODE.fullmatch(text) is None:
        raise Unfit(f"{printable(text, 20)!r} is no file mode; write three octal digits, as 0640")
    return text.rjust(4, "0")


def list_of(parse: Parse[T], minimum: int = 0, maximum: int = CONFIG_ITEMS) -> Parse[list[T]]:
    """Return the parser of a list; each entry's error is noted at its own line."""

    def parse_list(value: Value) -> list[T]:
        items = value.items()
        if len(items) < minimum:
            raise Unfit(f"the list is empty; give at least {minimum}")
        if len(items) > maximum:
            raise Unfit(f"the list has {len(items)} entries; at most {maximum} are taken")
        results: list[T] = []
        for item in items:
            # A one-element list is the stand-in: nothing when the entry is wrong.
            results += attempt(item, lambda entry: [parse(entry)], [])
        return results

    return parse_list


def _key_check(parse_key: Callable[[str], str]) -> Parse[str]:
    return lambda entry: parse_key(entry.key)


def map_of(parse_key: Callable[[str], str], parse: Parse[T], stand_in: T) -> Parse[dict[str, T]]:
    """Return the parser of a section whose keys are names; a wrong entry is its stand-in."""

    def parse_map(value: Value) -> dict[str, T]:
        results: dict[str, T] = {}
        for key, entry in value.entries():
            attempt(entry, _key_check(parse_key), "")
            results[key] = attempt(entry, parse, stand_in)
        return results

    return parse_map
