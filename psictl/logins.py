"""How the logins fared, for a person and for a script."""

from collections.abc import Sequence
from typing import Any

from psi.shared.messages.broker import LoginResult
from psi.shared.names import printable
from psictl.output import format_time, write_table


def login_fields(result: LoginResult) -> dict[str, Any]:
    """Return what ``--json`` shows of one login; ``expires_at`` in seconds since the epoch."""
    return {
        "scope": printable(result.scope),
        "method": printable(result.method),
        "identity": printable(result.identity),
        "ok": result.ok,
        "detail": printable(result.detail, 200),
        "expires_at": result.expires_at,
    }


def write_logins(results: Sequence[LoginResult]) -> None:
    """Write a table to stdout; each row begins with ``OK`` or ``FAIL`` and the scope."""
    write_table(
        ("RESULT", "METHOD", "IDENTITY", "TOKEN EXPIRES", "DETAIL"),
        [
            (
                f"{'OK' if result.ok else 'FAIL'} {result.scope}",
                result.method,
                result.identity,
                format_time(result.expires_at) if result.ok else "-",
                result.detail,
            )
            for result in results
        ],
    )
