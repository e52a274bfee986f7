"""What a generation holds: a projection for each service, and on a host a drop-in for each unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
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
from psictl.apply.generation import Content, neutral
from psictl.apply.naming import drop_in_name, file_name
from psictl.apply.requirements import check_requirements
from psictl.apply.units import drop_ins
from psictl.apply.units.circumstances import Circumstances
from psictl.config import LoadedConfig
from psictl.config.projection import broker_projection, sealer_projection
from psictl.layout import Layout

P = TypeVar("P", bound=Part)


@dataclass(frozen=True)
class Derived:
    """Everything that follows from a configuration, for a generation of one number."""

    number: int
    projections: Mapping[str, bytes]
    drop_ins: Mapping[str, bytes]

    def changed(self, before: Content | None, config_dir: Path) -> tuple[Process, ...]:
        """Return the services to which this says something new, servers before their callers."""
        old_files = before.projections if before else {}
        old_units = neutral(before.drop_ins, before.number, config_dir) if before else {}
        new_units = neutral(self.drop_ins, self.number, config_dir)
        return tuple(
            process
            for process in (Process.SEALER, Process.BROKER)
            if file_name(process) in self.projections
            and (
                self.projections[file_name(process)] != old_files.get(file_name(process))
                or new_units.get(drop_in_name(process.unit))
                != old_units.get(drop_in_name(process.unit))
            )
        )

    def says_the_same(self, before: Content, config_dir: Path) -> bool:
        """Tell whether nothing is new, in no file and no drop-in."""
        return self.projections == before.projections and neutral(
            self.drop_ins, self.number, config_dir
        ) == neutral(before.drop_ins, before.number, config_dir)


def derive(
    loaded: LoadedConfig,
    number: int,
    layout: Layout,
    current: Mapping[str, bytes],
    *,
    for_systemd: bool,
) -> Derived:
    """Return what a configuration means; ``current`` are the projections in force.

    A projection that says nothing new is kept to the byte, with the number and the hash of the
    generation that it came with: its service need not restart for a comment. A service that has
    nothing to do has none. Raises ConfigInvalid where this host lacks what the file names.
    """
    config, sha256 = loaded.config, loaded.sha256
    sealer = sealer_projection(
        config, generation=number, config_sha256=sha256, state_dir=layout.sealer_state
    )
    broker = broker_projection(
        config, generation=number, config_sha256=sha256, state_dir=layout.state
    )
    projections = {} if sealer is None else {file_name(Process.SEALER): _kept(sealer, current)}
    projections[file_name(Process.BROKER)] = _kept(broker, current)
    if not for_systemd:
        return Derived(number, projections, {})
    host = Circumstances(layout, number, config.cache, broker, sealer)
    check_requirements(loaded, host)
    return Derived(number, projections, drop_ins(host))


def _kept(new: BrokerProjection | SealerProjection, current: Mapping[str, bytes]) -> bytes:
    """Return the file in force where it says the same, else the new one."""
    process = Process.SEALER if isinstance(new, SealerProjection) else Process.BROKER
    data = current.get(file_name(process))
    old = _decoded(data, type(new))
    if data is None or old is None:
        return encode_projection(new)
    origin = {"generation": old.generation, "config_sha256": old.config_sha256}
    return data if msgspec.structs.replace(new, **origin) == old else encode_projection(new)


def _decoded(data: bytes | None, kind: type[P]) -> P | None:
    """Return the projection in force; one that another version wrote counts as none."""
    try:
        return None if data is None else decode_projection(data, kind)
    except ConfigError:
        return None
