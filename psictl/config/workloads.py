"""``workloads`` and ``allow``: which container gets what, and how."""

import re
from dataclasses import dataclass, field
from typing import Literal

from psi.shared.limits import DEPENDENCIES
from psi.shared.names import (
    parse_environment_name,
    parse_key,
    parse_secret_path,
    parse_systemd_unit,
    parse_unit,
    parse_workload,
)
from psi.shared.projection import Coordinate, KeyOptions, Source, WorkloadConfig
from psictl.config.certificates import known_project
from psictl.config.fields import choice, flag, integer, list_of, map_of, named, octal_mode
from psictl.config.problems import Unfit
from psictl.config.value import Parse, Section, Value, section

Delivery = Literal["env", "mount"]
_DELIVERY: Parse[Delivery] = choice("env", "mount")
_CHANGE: Parse[Literal["none", "reload", "restart"]] = choice("none", "reload", "restart")
MAX_ID = 2**32 - 2
"""The highest user or group id (the one above means none)."""
_TARGET = re.compile(r"/?[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*")
_NO_WORKLOAD = WorkloadConfig(unit="", sources=[])
WORKLOAD_HINTS = {"environment": "the environment is the project's: see providers.infisical"}


@dataclass(frozen=True)
class _Known:
    """What workloads are held against."""

    projects: frozenset[str]
    units: dict[str, str] = field(default_factory=dict)
    """Unit to the workload that it belongs to."""


def workloads(projects: frozenset[str]) -> Parse[dict[str, WorkloadConfig]]:
    """Return the parser of the section; no two workloads share a unit."""
    known = _Known(projects)

    def one(value: Value) -> WorkloadConfig:
        return section(lambda entries: _workload(entries, known), WORKLOAD_HINTS)(value)

    return map_of(parse_workload, one, _NO_WORKLOAD)


def _workload(entries: Section, known: _Known) -> WorkloadConfig:
    entries.get("provider", _infisical, "")
    delivery: Delivery = entries.get("type", _DELIVERY, "env")
    return WorkloadConfig(
        unit=_unit(entries, known),
        sources=_sources(entries, known),
        depends_on=entries.get(
            "depends_on", list_of(named(parse_systemd_unit), maximum=DEPENDENCIES), []
        ),
        type=delivery,
        keys=entries.get("keys", _keys(delivery), {}),
        on_change=entries.get("on_change", _on_change, "none"),
    )


def _infisical(value: Value) -> str:
    if value.text() != "infisical":
        raise Unfit("the only provider is infisical; write provider: infisical")
    return value.text()


def _unit(entries: Section, known: _Known) -> str:
    name = entries.value.key
    unit = entries.get("unit", named(parse_unit), f"{name}.container")
    if unit in known.units:
        place = entries.find("unit") or entries.value
        place.error(f"the unit {unit} belongs to workload {known.units[unit]}; give each its own")
    known.units.setdefault(unit, name)
    return unit


def _sources(entries: Section, known: _Known) -> list[Source]:
    seen: set[tuple[str, str]] = set()

    def one(value: Value) -> Source:
        source = section(lambda inner: _source(inner, known))(value)
        if (source.project, source.path) in seen:
            raise Unfit("the same project and path stand above; keep one")
        seen.add((source.project, source.path))
        return source

    return entries.require("secrets", list_of(one, minimum=1), [])


def _source(entries: Section, known: _Known) -> Source:
    return Source(
        project=entries.require("project", known_project(known.projects), ""),
        path=entries.get("path", named(parse_secret_path), "/"),
        recursive=entries.get("recursive", flag, default=False),
    )


def _keys(delivery: Delivery) -> Parse[dict[str, KeyOptions]]:
    one = section(lambda entries: _key_options(entries, delivery))
    return map_of(parse_key, one, KeyOptions())


def _key_options(entries: Section, delivery: Delivery) -> KeyOptions:
    kind: Delivery = entries.get("type", _DELIVERY, delivery)
    mounted = [key for key in ("uid", "gid", "mode") if entries.find(key)]
    if kind == "env" and mounted:
        entries.value.error(f"{', '.join(mounted)} are for type: mount; a variable has no owner")
    return KeyOptions(
        type=kind,
        target=entries.get("target", _mount_target if kind == "mount" else _variable, None),
        uid=entries.get("uid", integer(0, MAX_ID), None),
        gid=entries.get("gid", integer(0, MAX_ID), None),
        mode=entries.get("mode", octal_mode, None),
    )


def _variable(value: Value) -> str:
    return parse_environment_name(value.text())


def _mount_target(value: Value) -> str:
    text = value.text()
    parts = text.split("/")
    if _TARGET.fullmatch(text) is None or "." in parts or ".." in parts or len(text) > 255:
        raise Unfit(
            "is no target of a mount: an absolute path or a file name of letters, digits, "
            "'_', '.' and '-', without '.' or '..' as a part"
        )
    return text


def _on_change(value: Value) -> Literal["none", "reload", "restart"]:
    word = _CHANGE(value)
    if word != "none":
        value.notice(f"on_change: {word} is not served yet: containers keep what they started with")
    return word


def allow(projects: frozenset[str]) -> Parse[list[Coordinate]]:
    """Return the parser of the further coordinates that a mapping may name."""
    return list_of(section(lambda entries: _coordinate(entries, projects)))


def _coordinate(entries: Section, projects: frozenset[str]) -> Coordinate:
    return Coordinate(
        project=entries.require("project", known_project(projects), ""),
        path=entries.get("path", named(parse_secret_path), "/"),
        key=entries.require("key", named(parse_key), ""),
    )
