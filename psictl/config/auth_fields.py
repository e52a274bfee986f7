"""The variants of an auth field: itself, ``…_file`` and ``…_credential``."""

from collections.abc import Callable

from psi.shared.projection import SecretSource
from psi.shared.secret import SecretBytes
from psictl.config.fields import plain, secret
from psictl.config.outside import broker_file, credential
from psictl.config.places import secret_file, text_file
from psictl.config.value import Parse, Section, Value, attempt

NOTHING = SecretBytes(b"")
"""Stands in for what was wrong; a configuration with an error is never used."""


def variants(name: str) -> tuple[str, str, str]:
    """Return the keys that a field may be given by."""
    return name, f"{name}_file", f"{name}_credential"


def text(section: Section, name: str) -> str:
    """Return a field that is no secret, from here or from a file."""
    if one_of(section, name) == f"{name}_credential":
        section.value.error(
            f"{name}_credential is not taken, for this is no secret; give {name} or {name}_file"
        )
    return section.get(name, plain, "") or section.get(f"{name}_file", text_file, "")


def embedded(
    section: Section, name: str, check: Callable[[SecretBytes], None] = lambda _: None
) -> SecretSource:
    """Return a secret whose file is read now; ``check`` raises Unfit for a wrong one."""

    def checked(parse: Parse[SecretBytes]) -> Parse[SecretBytes]:
        def run(value: Value) -> SecretBytes:
            found = parse(value)
            check(found)
            return found

        return run

    if one_of(section, name) == f"{name}_credential":
        return _credential(section, name)
    inline = section.get(name, checked(secret), NOTHING)
    from_file = section.get(f"{name}_file", checked(secret_file), NOTHING)
    return SecretSource(value=inline if len(inline) else from_file)


def fresh(section: Section, name: str, default: SecretSource | None = None) -> SecretSource:
    """Return a secret whose file the broker reads anew at each login."""
    given = one_of(section, name, required=default is None)
    if given == f"{name}_credential":
        return _credential(section, name)
    if given == f"{name}_file":
        path = section.get(given, broker_file, "/")
        return SecretSource(file=path)
    if not given and default is not None:
        return default
    return SecretSource(value=section.get(name, secret, NOTHING))


def one_of(section: Section, name: str, *, required: bool = True) -> str:
    """Return which variant of a field is given; none of a required one or two are errors."""
    keys = variants(name)
    given = [key for key in keys if section.find(key)]
    if not given and required:
        section.value.error(f"{name} is missing; add it, {keys[1]} or {keys[2]}")
    if len(given) > 1:
        section.value.error(f"{' and '.join(given)} are given; keep one")
    return given[0] if given else ""


def _credential(section: Section, name: str) -> SecretSource:
    key = f"{name}_credential"
    value = section.find(key)
    if value is None:
        return SecretSource()
    return SecretSource(credential=attempt(value, credential, "x"))
