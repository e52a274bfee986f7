"""What a generation holds: one projection for each service that the configuration needs."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from psi.shared.errors import ConfigError
from psi.shared.processes import Process
from psi.shared.projection import (
    BrokerProjection,
    Part,
    SealerProjection,
    decode_projection,
    encode_projection,
)
from psictl.config import LoadedConfig
from psictl.config.projection import broker_projection, sealer_projection
from psictl.layout import Layout

Projection = BrokerProjection | SealerProjection
P = TypeVar("P", bound=Part)


def file_name(process: Process) -> str:
    """Return a service's file in a generation."""
    return f"{process}.json"


def derive(
    loaded: LoadedConfig, number: int, layout: Layout, current: Mapping[str, bytes]
) -> tuple[dict[str, bytes], tuple[Process, ...]]:
    """Return a generation's files, and the services whose file says something new.

    A file that says nothing new is kept to the byte, with the number and the hash of the
    generation that it came with: its service need not restart for a comment. A service that
    has nothing to do has no file.
    """
    files: dict[str, bytes] = {}
    changed: list[Process] = []
    for process, new in _projections(loaded, number, layout).items():
        name = file_name(process)
        old = _decoded(current.get(name), type(new))
        if old is not None and _same(old, new):
            files[name] = current[name]
            continue
        files[name] = encode_projection(new)
        changed.append(process)
    return files, tuple(changed)


def _projections(loaded: LoadedConfig, number: int, layout: Layout) -> dict[Process, Projection]:
    """Return what each service gets, servers before their callers."""
    config, sha256 = loaded.config, loaded.sha256
    sealer = sealer_projection(
        config, generation=number, config_sha256=sha256, state_dir=layout.sealer_state
    )
    broker = broker_projection(
        config, generation=number, config_sha256=sha256, state_dir=layout.state
    )
    found: dict[Process, Projection] = {} if sealer is None else {Process.SEALER: sealer}
    return found | {Process.BROKER: broker}


def _decoded(data: bytes | None, kind: type[P]) -> P | None:
    """Return the projection in force; one that another version wrote counts as none."""
    try:
        return None if data is None else decode_projection(data, kind)
    except ConfigError:
        return None


def _same(old: Projection, new: Projection) -> bool:
    origin = {"generation": old.generation, "config_sha256": old.config_sha256}
    return msgspec.structs.replace(new, **origin) == old
