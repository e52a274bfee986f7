"""What a generation holds: one projection for each service that reads one so far."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from psi.shared.errors import ConfigError
from psi.shared.processes import Process
from psi.shared.projection import BrokerProjection, decode_projection, encode_projection
from psictl.config import LoadedConfig
from psictl.config.projection import broker_projection


def file_name(process: Process) -> str:
    """Return a service's file in a generation."""
    return f"{process}.json"


def derive(
    loaded: LoadedConfig, number: int, state_dir: Path, current: Mapping[str, bytes]
) -> tuple[dict[str, bytes], tuple[Process, ...]]:
    """Return a generation's files, and the services whose file says something new.

    A file that says nothing new is kept to the byte, with the number and the hash of the
    generation that it came with: its service need not restart for a comment.
    """
    name = file_name(Process.BROKER)
    new = broker_projection(
        loaded.config, generation=number, config_sha256=loaded.sha256, state_dir=state_dir
    )
    old = _decoded(current.get(name))
    if old is not None and _same(old, new):
        return {name: current[name]}, ()
    return {name: encode_projection(new)}, (Process.BROKER,)


def _decoded(data: bytes | None) -> BrokerProjection | None:
    """Return the projection in force; one that another version wrote counts as none."""
    try:
        return None if data is None else decode_projection(data, BrokerProjection)
    except ConfigError:
        return None


def _same(old: BrokerProjection, new: BrokerProjection) -> bool:
    origin = {"generation": old.generation, "config_sha256": old.config_sha256}
    return msgspec.structs.replace(new, **origin) == old
