r"""Parse functions for every name that comes from outside: they are hostile until they passed one.

A secret's key named ``X\nPodmanArgs=--privileged`` would be root on the host if it reached a
drop-in. Each function returns the name unchanged or raises :class:`InvalidName`; nothing is
repaired. Patterns are matched whole (``fullmatch``): ``$`` would accept a trailing newline.
"""

import re

from psi.shared.errors import InvalidName
from psi.shared.text import has_control
from psi.shared.text import printable as printable  # noqa: PLC0414  # mypy: exported

ID_PATTERN = r"\A[0-9a-f]{25}\Z"
ENVIRONMENT_NAME_PATTERN = r"\A[A-Za-z_][A-Za-z0-9_]{0,127}\Z"
WORKLOAD_PATTERN = r"\A[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9_.])?@?\Z"
UNIT_PATTERN = WORKLOAD_PATTERN.removesuffix(r"\Z") + r"\.container\Z"
ALIAS_PATTERN = r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z"
ENVIRONMENT_SLUG_PATTERN = r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z"
SYSTEMD_UNIT_PATTERN = (
    r"\A[A-Za-z0-9:_.@-]{1,240}\.(?:service|socket|target|timer|mount|path|container)\Z"
)
CREDENTIAL_PATTERN = r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\Z"

MAX_KEY_CHARACTERS = 255
MAX_PATH_CHARACTERS = 1024
MAX_SEGMENT_CHARACTERS = 255


def _parse(pattern: str, name: str, what: str, form: str) -> str:
    if re.match(pattern, name) is None:
        raise InvalidName(f"{what} {printable(name)!r} is not valid: {form}")
    return name


def parse_secret_id(name: str) -> str:
    """Return Podman's secret id: 25 lowercase hex digits (containers/common, secretsIDLength)."""
    return _parse(ID_PATTERN, name, "secret id", "it has 25 lowercase hex digits")


def parse_environment_name(name: str) -> str:
    """Return a key that may become an environment variable and stand in a drop-in."""
    form = "it starts with a letter or _, then letters, digits and _, at most 128 in all"
    return _parse(ENVIRONMENT_NAME_PATTERN, name, "environment variable name", form)


def parse_workload(name: str) -> str:
    """Return a workload's name; one ending in ``@`` is a template.

    It may not end in ``-``: systemd reads a drop-in folder of ``wind-`` for every ``wind-*``
    unit (systemd.unit(5), truncated drop-in directories).
    """
    form = "letters, digits, '_', '.', '-', at most 63, not ending in '-', '@' only at the end"
    return _parse(WORKLOAD_PATTERN, name, "workload name", form)


def parse_unit(name: str) -> str:
    """Return the name of a quadlet ``.container`` file; the rules of a workload's name hold."""
    form = "a workload name followed by .container"
    return _parse(UNIT_PATTERN, name, "unit", form)


def parse_systemd_unit(name: str) -> str:
    """Return a systemd unit name as it may stand in ``After=`` and ``Wants=``."""
    form = "a systemd unit name such as psi-infisical-setup.service"
    return _parse(SYSTEMD_UNIT_PATTERN, name, "unit", form)


def parse_alias(name: str) -> str:
    """Return a project's alias, as configured."""
    form = "letters, digits, '_', '.', '-', at most 63, starting with a letter or digit"
    return _parse(ALIAS_PATTERN, name, "project", form)


def parse_environment_slug(name: str) -> str:
    """Return the slug of an Infisical environment."""
    form = "letters, digits, '-' and '_', at most 64"
    return _parse(ENVIRONMENT_SLUG_PATTERN, name, "environment", form)


def parse_credential(name: str) -> str:
    """Return the name of a systemd credential; it is a file name, so no slash and no dot first."""
    form = "letters, digits, '_', '.', '-', at most 128, starting with a letter or digit"
    return _parse(CREDENTIAL_PATTERN, name, "credential", form)


def parse_secret_path(name: str) -> str:
    """Return an absolute folder path without ``//``, ``.``, ``..`` or a trailing slash."""
    form = "it starts with '/', has no '//', '.', '..', control character or trailing '/'"
    if name == "/":
        return name
    segments = name.split("/")
    whole = name.startswith("/") and len(name) <= MAX_PATH_CHARACTERS
    if not whole or not all(_is_segment(segment) for segment in segments[1:]):
        raise InvalidName(f"secret path {printable(name)!r} is not valid: {form}")
    return name


def _is_segment(segment: str) -> bool:
    return (
        segment not in {"", ".", ".."}
        and len(segment) <= MAX_SEGMENT_CHARACTERS
        and not has_control(segment)
    )


def parse_key(name: str) -> str:
    """Return a secret's key as Infisical holds it: no ``/``, no ``:``, no control character.

    At most 255 characters. Infisical refuses ``/`` and ``:`` itself (backend schemas,
    SecretNameSchema) but not control characters.
    """
    bad = "/" in name or ":" in name or has_control(name)
    if bad or not 1 <= len(name) <= MAX_KEY_CHARACTERS:
        form = "1 to 255 characters without '/', ':' or control characters"
        raise InvalidName(f"secret key {printable(name)!r} is not valid: {form}")
    return name
