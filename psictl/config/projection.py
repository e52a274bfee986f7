"""From a checked configuration to what each service may know of it."""

from pathlib import Path
from typing import Final, Literal

from psi.shared.projection import (
    Auth,
    BrokerProjection,
    Infisical,
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
    return frozenset(name for auth in auths(projection.infisical) for name in _credentials(auth))


def files(projection: BrokerProjection) -> frozenset[str]:
    """Return the paths of the files that the broker reads at each login."""
    sources = (source for auth in auths(projection.infisical) for source in _sources(auth))
    return frozenset(source.file for source in sources if source.file)


def auths(infisical: Infisical) -> list[Auth]:
    """Return the provider's own auth and the projects', as far as they have one."""
    found = [infisical.auth, *(project.auth for project in infisical.projects.values())]
    return [auth for auth in found if auth is not None]


def _credentials(auth: Auth) -> list[str]:
    if isinstance(auth, UniversalAuth):
        return [auth.client_secret_credential] if auth.client_secret_credential else []
    return [source.credential for source in _sources(auth) if source.credential]


def _sources(auth: Auth) -> list[SecretSource]:
    values = (getattr(auth, name) for name in auth.__struct_fields__)
    return [value for value in values if isinstance(value, SecretSource)]
