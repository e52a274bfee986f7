"""From a checked configuration to what each service may know of it."""

from pathlib import Path

from psi.shared.projection import (
    Auth,
    BrokerProjection,
    UniversalAuth,
    decode_projection,
    encode_projection,
)
from psictl.config.model import Config


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
        audit=config.audit,
        workloads=config.workloads,
        allow=list(config.allow),
    )
    return decode_projection(encode_projection(projection), BrokerProjection)


def credentials(projection: BrokerProjection) -> frozenset[str]:
    """Return the names of the systemd credentials that the broker's unit must be given."""
    infisical = projection.infisical
    auths = [infisical.auth, *(project.auth for project in infisical.projects.values())]
    return frozenset(name for auth in auths if (name := _credential(auth)))


def _credential(auth: Auth | None) -> str | None:
    return auth.client_secret_credential if isinstance(auth, UniversalAuth) else None
