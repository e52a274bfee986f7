"""The configuration after its checks: what the projections are made from.

Parts that reach a service unchanged are the projection's own types.
"""

from dataclasses import dataclass, field
from typing import Literal

from psi.shared.projection import (
    Coordinate,
    Infisical,
    Pkcs11Options,
    TpmOptions,
    WorkloadConfig,
)

DEFAULT_API_URL = "https://app.infisical.com"
Backend = Literal["none", "memory", "tpm", "hsm", "software"]
SEALED_BACKENDS = frozenset({"tpm", "hsm", "software"})
"""Those that keep something at rest, and so need the sealer."""


@dataclass(frozen=True)
class Cache:
    """What is kept for an outage; seconds."""

    backend: Backend = "none"
    refresh_interval: int = 3600
    refresh_randomized_delay: int = 300
    max_stale: int | None = None


@dataclass(frozen=True)
class Sealer:
    """Which device seals, and whether it stays open."""

    hold: Literal["open", "per-operation"] = "open"
    tpm: TpmOptions | None = None
    pkcs11: Pkcs11Options | None = None


@dataclass(frozen=True)
class AltName:
    """One subject alternative name, its type as Infisical calls it."""

    type: Literal["dns_name", "ip_address", "email", "uri"]
    value: str


@dataclass(frozen=True)
class Output:
    """Where a certificate's files are published, and how they may be read."""

    paths: dict[str, str]
    """By part: cert, key, chain, ca, combined."""
    mode: str = "0640"
    group: str | None = None


@dataclass(frozen=True)
class Certificate:
    """A certificate that is kept fresh; seconds, but ``ttl`` is Infisical's own form."""

    project: str
    profile_id: str
    common_name: str
    alt_names: tuple[AltName, ...]
    key_algorithm: str
    ttl: str
    renew_before: int
    output: Output
    hooks: tuple[tuple[str, ...], ...] = ()
    failure_hooks: tuple[tuple[str, ...], ...] = ()
    hook_timeout: int = 30


@dataclass(frozen=True)
class Provider:
    """``providers.infisical``: what the broker gets, and what pki will."""

    infisical: Infisical = field(default_factory=lambda: Infisical(api_url=DEFAULT_API_URL))
    certificates: dict[str, Certificate] = field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    """The whole of ``/etc/psi/config.yaml``."""

    provider: Provider = field(default_factory=Provider)
    cache: Cache = field(default_factory=Cache)
    sealer: Sealer | None = None
    audit: Literal["summary", "full"] = "summary"
    workloads: dict[str, WorkloadConfig] = field(default_factory=dict)
    allow: tuple[Coordinate, ...] = ()
