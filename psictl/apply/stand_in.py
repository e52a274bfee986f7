"""The device that ``psictl dev --sealer`` emulates, in the place of the configuration's own.

It lies below the root while that host runs, so that ``psictl --root DIR apply`` derives from a
changed configuration what dev did: the device stays the emulated one.
"""

from dataclasses import replace
from typing import Literal

import msgspec

from psi.shared.errors import PsiError
from psi.shared.projection import Part, Pkcs11Options, decode_projection, encode_projection
from psictl.config import LoadedConfig
from psictl.config.model import Config, Sealer
from psictl.config.sealing import BOOT_TPM
from psictl.layout import Layout


class StandIn(Part, frozen=True):
    """A backend, and where its device is."""

    backend: Literal["tpm", "hsm", "software"]
    tcti: str | None = None
    pkcs11: Pkcs11Options | None = None


def write_stand_in(layout: Layout, stand_in: StandIn | None) -> None:
    """Leave it for ``apply``, or take away what a host that was killed left."""
    layout.stand_in.unlink(missing_ok=True)
    if stand_in is not None:
        layout.stand_in.touch(mode=0o600)
        layout.stand_in.write_bytes(encode_projection(stand_in))


def in_development(loaded: LoadedConfig, layout: Layout) -> LoadedConfig:
    """Return the configuration with the emulated device, where a host emulates one."""
    if layout.is_host:
        return loaded
    try:
        stand_in = decode_projection(layout.stand_in.read_bytes(), StandIn)
    except (FileNotFoundError, NotADirectoryError):
        return loaded
    except OSError as error:
        raise PsiError(
            f"cannot read {layout.stand_in}: {error.strerror}; stop psictl dev and start it again"
        ) from error
    return replace(loaded, config=_with_device(loaded.config, stand_in))


def _with_device(config: Config, stand_in: StandIn) -> Config:
    """Put the device in place; what the key is bound to, and ``hold``, stay as configured."""
    sealer = config.sealer or Sealer()
    tpm = sealer.tpm or BOOT_TPM
    if stand_in.tcti is not None:
        tpm = msgspec.structs.replace(tpm, tcti=stand_in.tcti)
    return replace(
        config,
        cache=replace(config.cache, backend=stand_in.backend),
        sealer=replace(sealer, tpm=tpm, pkcs11=stand_in.pkcs11),
    )
