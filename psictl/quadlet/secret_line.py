r"""One ``Secret=`` line of a quadlet file, from names that may be hostile (r1).

The grammar of names here is narrower than any that reads the line after it: quadlet's,
podman-run(1)'s comma list, systemd's command lines. A key ``X,type=mount,target=/etc/…`` or
``X\nPodmanArgs=--privileged`` is root on the host if it gets through one of them.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from psi.shared.errors import ConfigError, InvalidName
from psi.shared.names import parse_environment_name, parse_workload, printable
from psi.shared.projection import KeyOptions

_MOUNT_KEY: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_MOUNT_TARGET: Final = re.compile(r"/?[A-Za-z0-9_.+@:%-]{1,255}(?:/[A-Za-z0-9_.+@:%-]{1,255})*")
_MOUNT_TARGET_CHARACTERS: Final = 1024
_MODE: Final = re.compile(r"0?[0-7]{3}")
_MAX_ID: Final = 2**32 - 2
"""The kernel keeps 2**32 - 1 for "no such user"."""


@dataclass(frozen=True, slots=True)
class SecretUse:
    """A secret that a workload's container gets, and how it reaches it."""

    key: str
    options: KeyOptions = field(default_factory=KeyOptions)


def secret_name(workload: str, key: str) -> str:
    """Return Podman's name of a workload's secret, ``myapp--DB_HOST``."""
    return f"{workload}--{key}"


def secret_line(workload: str, use: SecretUse) -> str:
    """Return the value of ``Secret=``, ``%`` doubled: quadlet hands it to systemd's ExecStart.

    Raises InvalidName for a key or target that must not stand there, ConfigError for options
    that Podman does not combine; both name the key.
    """
    name = secret_name(parse_workload(workload), _key(use))
    words = [name, f"type={use.options.type}", f"target={target_of(use)}", *_ownership(use)]
    return ",".join(words).replace("%", "%%")


def target_of(use: SecretUse) -> str:
    """Return the variable or the path that the secret gets inside the container."""
    target = use.options.target if use.options.target is not None else use.key
    return parse_environment_name(target) if use.options.type == "env" else _mount_target(target)


def _key(use: SecretUse) -> str:
    if use.options.type == "env":
        return parse_environment_name(use.key)
    if _MOUNT_KEY.fullmatch(use.key) is None:
        form = "letters, digits, '_', '.', '-', at most 128, starting with a letter, digit or _"
        raise InvalidName(f"secret key {printable(use.key)!r} cannot be mounted: {form}")
    return use.key


def _mount_target(target: str) -> str:
    parts = target.split("/")
    whole = _MOUNT_TARGET.fullmatch(target) is not None and len(target) <= _MOUNT_TARGET_CHARACTERS
    if not whole or "." in parts or ".." in parts:
        form = "a file name or an absolute path of letters, digits and _.+@:%-, without '..'"
        raise InvalidName(f"mount target {printable(target)!r} is not valid: {form}")
    return target


def _ownership(use: SecretUse) -> list[str]:
    """Return uid, gid and mode; Podman refuses them for a variable (podman-run(1), --secret)."""
    options = use.options
    given = {"uid": options.uid, "gid": options.gid, "mode": options.mode}
    named = [key for key, value in given.items() if value is not None]
    if options.type == "env" and named:
        raise ConfigError(f"key {use.key}: {named[0]} goes with type: mount only; remove it")
    for number in (options.uid, options.gid):
        if number is not None and not 0 <= number <= _MAX_ID:
            raise ConfigError(f"key {use.key}: uid and gid lie between 0 and {_MAX_ID}")
    if options.mode is not None and _MODE.fullmatch(options.mode) is None:
        raise ConfigError(f"key {use.key}: mode is three octal digits, such as 0440")
    return [f"{key}={given[key]}" for key in named]
