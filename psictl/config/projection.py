"""From a checked configuration to what each service may know of it."""

from pathlib import Path
from typing import Final, Literal

from psi.shared.projection import (
    Auth,
    BrokerProjection,
    SealerProjection,
    SecretSource,
    UniversalAuth,
    decode_projection,
    encode_projection,
)
from psictl.config.model import Config, Sealer
from psictl.config.sealing import BOOT_TPM

_DEVICES: Final[dict[str, Literal["tpm", "pkcs11", "software"]]] = {
    "tpm": "tpm",
    "hsm": "pkcs11",
    "software": "software",
}


def broker_projection(
    config: Config, *, generation: int, config_sha256: str, state_dir: Path
) -> BrokerProjection:
    """Return all that the broker gets of a configuration.

    It is decoded once as the broker will: raises ConfigError where the schema let something
    through that the projection's type refuses, before anything is written.
    """
    projection = BrokerProjection(
        generation=generation,
        config_sha256=config_sha256,
        state_dir=str(state_dir),
        infisical=config.provider.infisical,
        cache=config.cache.backend,
        max_stale=config.cache.max_stale,
        audit=config.audit,
        workloads=config.workloads,
        allow=list(config.allow),
    )
    return decode_projection(encode_projection(projection), BrokerProjection)


def sealer_projection(
    config: Config, *, generation: int, config_sha256: str, state_dir: Path
) -> SealerProjection | None:
    """Return all that the sealer gets, or None where nothing is kept at rest; raises as above."""
    device = _DEVICES.get(config.cache.backend)
    if device is None:
        return None
    sealer = config.sealer or Sealer()
    projection = SealerProjection(
        generation=generation,
        config_sha256=config_sha256,
        state_dir=str(state_dir),
        backend=device,
        hold=sealer.hold,
        tpm=sealer.tpm or BOOT_TPM,
        pkcs11=sealer.pkcs11 if device == "pkcs11" else None,
    )
    return decode_projection(encode_projection(projection), SealerProjection)


def credentials(projection: BrokerProjection | SealerProjection) -> frozenset[str]:
    """Return the names of the systemd credentials that the service's unit must be given."""
    if isinstance(projection, SealerProjection):
        token = projection.pkcs11
        return frozenset({token.pin_credential} if token and token.pin_credential else ())
    infisical = projection.infisical
    auths = [infisical.auth, *(project.auth for project in infisical.projects.values())]
    return frozenset(name for auth in auths if auth is not None for name in _credentials(auth))


def _credentials(auth: Auth) -> list[str]:
    if isinstance(auth, UniversalAuth):
        return [auth.client_secret_credential] if auth.client_secret_credential else []
    values = (getattr(auth, name) for name in auth.__struct_fields__)
    sources = [value for value in values if isinstance(value, SecretSource)]
    return [source.credential for source in sources if source.credential]
