"""What ``psictl apply`` derives from the configuration for each service.

A projection is a message that travels by file: JSON under /var/lib/psi-config, root 0600,
given to its one unit by LoadCredential=. Both ends share these types, so a field that one
side does not know fails at decode.
"""

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from psi.shared.errors import UNDECODABLE, ConfigError
from psi.shared.limits import CONFIG_ITEMS, DEPENDENCIES
from psi.shared.names import (
    ALIAS_PATTERN,
    CREDENTIAL_PATTERN,
    ENVIRONMENT_SLUG_PATTERN,
    MAX_KEY_CHARACTERS,
    MAX_PATH_CHARACTERS,
    SYSTEMD_UNIT_PATTERN,
    UNIT_PATTERN,
    WORKLOAD_PATTERN,
)
from psi.shared.secret import SecretBytes, decode_hook

Alias = Annotated[str, Meta(pattern=ALIAS_PATTERN, max_length=63)]
Slug = Annotated[str, Meta(pattern=ENVIRONMENT_SLUG_PATTERN, max_length=64)]
Workload = Annotated[str, Meta(pattern=WORKLOAD_PATTERN, max_length=64)]
Unit = Annotated[str, Meta(pattern=UNIT_PATTERN, max_length=80)]
SystemdUnit = Annotated[str, Meta(pattern=SYSTEMD_UNIT_PATTERN, max_length=255)]
Credential = Annotated[str, Meta(pattern=CREDENTIAL_PATTERN, max_length=128)]
Path = Annotated[str, Meta(max_length=MAX_PATH_CHARACTERS)]
Key = Annotated[str, Meta(max_length=MAX_KEY_CHARACTERS)]
Text = Annotated[str, Meta(max_length=1024)]
Pem = Annotated[str, Meta(max_length=1 << 20)]
_ITEMS = Meta(max_length=CONFIG_ITEMS)


P = TypeVar("P", bound="Part")


class Part(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A piece of a projection."""


class UniversalAuth(Part, frozen=True, tag_field="method", tag="universal-auth"):
    """Client id and secret of a machine identity; exactly one of the two secret fields is set."""

    client_id: Text
    client_secret: SecretBytes | None = None
    client_secret_credential: Credential | None = None


class SecretSource(Part, frozen=True):
    """Where a secret comes from; exactly one of the fields is set."""

    value: SecretBytes | None = None
    credential: Credential | None = None
    file: Text | None = None
    """Read anew at each login, so the broker's sandbox must let it: no home, no /tmp."""


class AwsIamAuth(Part, frozen=True, tag_field="method", tag="aws-iam"):
    """An AWS principal; without ``region`` it is the environment's or the instance's."""

    identity_id: Text
    region: Text | None = None


class GcpAuth(Part, frozen=True, tag_field="method", tag="gcp"):
    """A Google service account: by its key where one is given, else the instance's."""

    identity_id: Text
    service_account_key: SecretSource | None = None


class AzureAuth(Part, frozen=True, tag_field="method", tag="azure"):
    """An Azure managed identity."""

    identity_id: Text
    resource: Text = "https://management.azure.com/"
    """The audience of its token; this default is Infisical's (go-sdk, util/auth.go)."""
    managed_identity: Text | None = None
    """The client id of a user-assigned identity, needed where a machine has several."""


class KubernetesAuth(Part, frozen=True, tag_field="method", tag="kubernetes"):
    """A Kubernetes service account."""

    identity_id: Text
    jwt: SecretSource = SecretSource(file="/run/secrets/kubernetes.io/serviceaccount/token")


class OidcAuth(Part, frozen=True, tag_field="method", tag="oidc"):
    """An OpenID Connect ID token."""

    identity_id: Text
    jwt: SecretSource


class JwtAuth(Part, frozen=True, tag_field="method", tag="jwt"):
    """A JWT that someone signed whom Infisical was told to trust."""

    identity_id: Text
    jwt: SecretSource


class LdapAuth(Part, frozen=True, tag_field="method", tag="ldap"):
    """A user of a directory."""

    identity_id: Text
    username: Text
    password: SecretSource


class TlsCertAuth(Part, frozen=True, tag_field="method", tag="tls-cert"):
    """A client certificate, shown to whatever ends TLS before Infisical; both are PEM."""

    identity_id: Text
    certificate: SecretSource
    private_key: SecretSource


class TokenAuth(Part, frozen=True, tag_field="method", tag="token"):
    """An access token that someone made: no login, and never revoked by PSI."""

    token: SecretSource


Auth = (
    UniversalAuth
    | AwsIamAuth
    | GcpAuth
    | AzureAuth
    | KubernetesAuth
    | OidcAuth
    | JwtAuth
    | LdapAuth
    | TlsCertAuth
    | TokenAuth
)


class Project(Part, frozen=True):
    """An Infisical project; ``auth`` overrides the global one."""

    id: Text
    environment: Slug
    auth: Auth | None = None


class Infisical(Part, frozen=True):
    """The one provider: where it is, how it is trusted, who we are."""

    api_url: Text
    verify_ssl: bool = True
    ca_cert: Pem | None = None
    proxy: Text | None = None
    token_ttl: Annotated[int, Meta(ge=10, le=7_776_000)] = 300
    auth: Auth | None = None
    projects: Annotated[dict[Alias, Project], _ITEMS] = {}


class Source(Part, frozen=True):
    """A folder of a project whose secrets a workload gets."""

    project: Alias
    path: Path = "/"
    recursive: bool = False


class Coordinate(Part, frozen=True):
    """One secret, as ``allow`` names it."""

    project: Alias
    path: Path
    key: Key


class KeyOptions(Part, frozen=True):
    """How one key, or by default all keys, reach a container (podman-run(1), --secret)."""

    type: Literal["env", "mount"] = "env"
    target: Text | None = None
    uid: Annotated[int, Meta(ge=0, le=2**32 - 2)] | None = None
    gid: Annotated[int, Meta(ge=0, le=2**32 - 2)] | None = None
    mode: Annotated[str, Meta(pattern=r"\A0?[0-7]{3}\Z", max_length=4)] | None = None


class WorkloadConfig(Part, frozen=True):
    """A container unit, the folders it draws from, and how their secrets reach it."""

    unit: Unit
    sources: Annotated[list[Source], _ITEMS]
    depends_on: Annotated[list[SystemdUnit], Meta(max_length=DEPENDENCIES)] = []
    type: Literal["env", "mount"] = "env"
    keys: Annotated[dict[Key, KeyOptions], _ITEMS] = {}
    on_change: Literal["none", "reload", "restart"] = "none"


class TpmOptions(Part, frozen=True):
    """Which TPM, and what its slot is bound to."""

    tcti: Text = "device:/dev/tpmrm0"
    """As tpm2-tss names a transmission interface (Tss2_TctiLdr_Initialize(3))."""
    pcrs: Annotated[list[Annotated[int, Meta(ge=0, le=23)]], Meta(max_length=24)] = []
    policy: Literal["none", "pcr", "authorized"] = "none"
    """``authorized``: PCR under PolicyAuthorize, so that a firmware update can be approved."""


class Pkcs11Options(Part, frozen=True):
    """Which token and key; the PIN is one of the two fields, or neither is needed."""

    module: Text
    token_label: Text
    key_label: Text
    pin: SecretBytes | None = None
    pin_credential: Credential | None = None


class SealerProjection(Part, frozen=True):
    """All that the sealer knows of the configuration."""

    generation: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    config_sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z", max_length=64)]
    state_dir: Text
    """Of the keyslot file, /var/lib/psi-sealer."""
    backend: Literal["tpm", "pkcs11", "software"]
    hold: Literal["open", "per-operation"] = "open"
    tpm: TpmOptions = TpmOptions()
    pkcs11: Pkcs11Options | None = None


class BrokerProjection(Part, frozen=True):
    """All that the broker knows of the configuration."""

    generation: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    config_sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z", max_length=64)]
    state_dir: Text
    infisical: Infisical
    cache: Literal["none", "memory", "tpm", "hsm", "software"] = "none"
    """The last three persist ``cache.enc``; the sealer knows the device."""
    max_stale: Annotated[float, Meta(ge=1, le=86_400 * 400)] | None = None
    """Seconds after its last good contact that a value is no longer served."""
    audit: Literal["summary", "full"] = "summary"
    workloads: Annotated[dict[Workload, WorkloadConfig], _ITEMS] = {}
    allow: Annotated[list[Coordinate], _ITEMS] = []


def decode_projection(data: bytes, kind: type[P]) -> P:
    """Decode a projection file; raises ConfigError naming the field that is wrong."""
    try:
        return msgspec.json.decode(data, type=kind, dec_hook=decode_hook)
    except UNDECODABLE as error:
        remedy = "run psictl apply of the same version as this service"
        raise ConfigError(f"the projection is not valid: {error}; {remedy}") from error


def encode_projection(projection: Part) -> bytes:
    """Encode a projection for its file; secrets stand in it as text, so the file is 0600."""
    return msgspec.json.encode(projection, enc_hook=_reveal)


def _reveal(value: Any) -> str:
    if isinstance(value, SecretBytes):
        return value.reveal().decode()
    raise NotImplementedError(type(value).__name__)
