"""The root of the schema, and what to do about the forerunner's keys that have no place here."""

from typing import Literal

from psictl.config.fields import choice
from psictl.config.infisical import read_infisical
from psictl.config.keeping import CACHE_HINTS, read_cache
from psictl.config.model import Cache, Config, Provider
from psictl.config.places import absolute_path
from psictl.config.problems import Unfit
from psictl.config.sealing import check_together, read_sealer
from psictl.config.value import Parse, Section, Value, section
from psictl.config.workloads import allow, workloads

_AUDIT: Parse[Literal["summary", "full"]] = choice("summary", "full")
STATE_DIR = "/var/lib/psi"
ROOT_HINTS = {
    "socket_token": "PSI has no bearer token: the kernel says who connects, and psi.sock is "
    "root's alone; remove it, and the credential psi-socket-token",
    "scope": "PSI serves the host's own units; there is no user scope, remove it",
    "systemd_dir": "units have one place, /etc/containers/systemd and /etc/systemd/system; "
    "remove it",
    "ca_cert": "a private CA is the provider's; move it to providers.infisical.ca_cert",
    "socket": "the socket is always /run/psi/psi.sock; remove it",
    "socket_path": "the socket is always /run/psi/psi.sock; remove it",
    "infisical": "move it below providers",
}
PROVIDER_HINTS = {
    "nitrokeyhsm": "a token seals for all of PSI now: move module, token_label, key_label and "
    "pin_credential to sealer.pkcs11; psictl migrate takes over its secrets",
}


def read_config(entries: Section) -> Config:
    """Read the whole file."""
    entries.get("state_dir", _state_dir, STATE_DIR)
    provider = entries.get("providers", section(_providers, PROVIDER_HINTS), Provider())
    projects = frozenset(provider.infisical.projects)
    cache = entries.get("cache", section(read_cache, CACHE_HINTS), Cache())
    sealer = entries.get("sealer", section(read_sealer), None)
    check_together(entries, cache, sealer)
    return Config(
        provider=provider,
        cache=cache,
        sealer=sealer,
        audit=entries.get("audit", _AUDIT, "summary"),
        workloads=entries.get("workloads", workloads(projects), {}),
        allow=tuple(entries.get("allow", allow(projects), [])),
    )


def _providers(entries: Section) -> Provider:
    return entries.get("infisical", section(read_infisical), Provider())


def _state_dir(value: Value) -> str:
    if absolute_path(value) != STATE_DIR:
        raise Unfit(f"the state folder is always {STATE_DIR}, as the units say; remove this key")
    return STATE_DIR
