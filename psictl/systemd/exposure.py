"""How exposed each service is, by systemd's own reckoning (systemd-analyze(1), security)."""

from collections.abc import Sequence
from json import JSONDecodeError, JSONDecoder
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from psi.shared.errors import UNDECODABLE, PsiError
from psictl.systemd.programs import ask


class _Row(msgspec.Struct):
    """A row of the overview."""

    unit: str
    exposure: Annotated[str, Meta(pattern=r"\A[0-9]{1,2}\.[0-9]\Z")]


def exposures(services: Sequence[str]) -> dict[str, float]:
    """Return what systemd-analyze gives each loaded service, 0.0 (safe) to 10.0.

    Asked for several services it prints a list of checks for each, and then the overview (252
    and 257 tried); one that it cannot judge is left out. Raises Unreachable, PsiError.
    """
    if len(services) < 2:
        return {}
    done = ask(["systemd-analyze", "security", "--no-pager", "--json=short", "--", *services])
    try:
        rows = msgspec.convert(_last(done.out), list[_Row])
    except (JSONDecodeError, *UNDECODABLE) as error:
        told = done.said or "its JSON has another form"
        raise PsiError(f"systemd-analyze security was not understood: {told}") from error
    return {row.unit: float(row.exposure) for row in rows}


def _last(text: str) -> Any:
    """Return the last of several JSON values; raises JSONDecodeError."""
    decoder, rest = JSONDecoder(), text.strip()
    value: Any = None
    while rest:
        value, end = decoder.raw_decode(rest)
        rest = rest[end:].lstrip()
    return value
