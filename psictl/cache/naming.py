"""What ``psictl cache invalidate`` is told to drop: an id, a coordinate, or a Podman name."""

from collections.abc import Iterable

from psi.shared.errors import ConfigError, Refusal, Temporary
from psi.shared.messages.broker_cache import (
    Invalidate,
)
from psi.shared.names import parse_alias, parse_key, parse_secret_path, printable
from psi.shared.projection import Coordinate
from psictl.catalogue import discover, list_mappings, list_workloads
from psictl.client import BrokerClient
from psictl.podman.interface import is_id
from psictl.quadlet.secret_line import secret_name
from psictl.setup.registration import coordinate_of

_FORMS = "give WORKLOAD--KEY, PROJECT:/PATH#KEY, or an id of 25 hex digits"


def request_for(client: BrokerClient, name: str) -> tuple[Invalidate, str]:
    """Return the request that drops what a name means, and its words for a person.

    Raises ConfigError for a name that means nothing or several things, and as
    ControlClient.call.
    """
    if is_id(name):
        return Invalidate(secret_id=name), name
    found = parse_coordinate(name) if ":" in name else _by_podman_name(client, name)
    request = Invalidate(project=found.project, path=found.path, key=found.key)
    return request, coordinate_text(found)


def coordinate_text(found: Coordinate) -> str:
    """Return a coordinate as :func:`parse_coordinate` takes it."""
    return printable(f"{found.project}:{found.path}#{found.key}", 300)


def parse_coordinate(text: str) -> Coordinate:
    """Return what ``PROJECT:/PATH#KEY`` names; the first ``#`` of the last segment divides."""
    project, _, rest = text.partition(":")
    folder, slash, last = rest.rpartition("/")
    name, hash_sign, key = last.partition("#")
    if not slash or not hash_sign:
        raise ConfigError(f"{printable(text)!r} is no coordinate; {_FORMS}")
    path = f"{folder}/{name}" if name else folder or "/"
    return Coordinate(
        project=parse_alias(project), path=parse_secret_path(path), key=parse_key(key)
    )


def _by_podman_name(client: BrokerClient, name: str) -> Coordinate:
    meant = [
        (workload, name.removeprefix(secret_name(workload, "")))
        for workload in list_workloads(client)
        if name.startswith(secret_name(workload, "")) and name != secret_name(workload, "")
    ]
    if not meant:
        raise ConfigError(f"{printable(name)!r} names no configured workload's secret; {_FORMS}")
    found = _distinct(each for pair in meant for each in _discovered(client, *pair))
    # Not among the sources, or they cannot be asked now: what is registered may tell.
    found = found or _distinct(
        coordinate
        for coordinate in list_mappings(client).values()
        for _, key in meant
        if coordinate.key == key
    )
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigError(f"no source and no mapping holds {printable(name)!r}; {_FORMS}")
    places = ", ".join(coordinate_text(each) for each in found)
    raise ConfigError(f"{printable(name)!r} may be any of {places}; name one of them")


def _discovered(client: BrokerClient, workload: str, key: str) -> list[Coordinate]:
    try:
        secrets = discover(client, workload).secrets
    except (Temporary, Refusal):
        return []
    return [coordinate_of(secret) for secret in secrets if secret.key == key]


def _distinct(found: Iterable[Coordinate]) -> list[Coordinate]:
    by_text = {coordinate_text(each): each for each in found}
    return list(by_text.values())
