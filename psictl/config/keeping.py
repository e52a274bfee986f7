"""``cache`` and ``sealer``: what is kept for an outage, and what protects it."""

from typing import Literal

from psi.shared.names import parse_credential
from psictl.config.fields import choice, duration, flag, integer, list_of, named, plain
from psictl.config.model import Cache, Pkcs11, Sealer, Tpm
from psictl.config.places import absolute_path
from psictl.config.problems import Unfit
from psictl.config.value import Parse, Section, Value, section

_HOLD: Parse[Literal["open", "per-operation"]] = choice("open", "per-operation")
REFRESH_SECONDS = (60, 86_400 * 30)
DELAY_SECONDS = (1, 86_400)
STALE_SECONDS = (60, 86_400 * 365)
BACKENDS = ("tpm", "hsm", "memory", "software")
CACHE_HINTS = {"path": "the cache is always cache.enc in the state folder; remove this key"}
_TIMER_KEYS = ("refresh_interval", "refresh_randomized_delay", "max_stale")
_TOKEN_HINTS = {
    "pin": "a PIN does not stand in this file; store it as a systemd credential "
    "and name that with pin_credential",
    "slot": "a slot's number changes when tokens are plugged in; name the token by token_label",
    "key_id": "name the key by key_label",
}


def read_cache(entries: Section) -> Cache:
    """Read ``cache``; without a backend, or switched off, nothing is kept."""
    enabled = entries.get("enabled", flag, default=True)
    name = entries.get("backend", choice(*BACKENDS), "")
    backend: Literal["none", "memory"] = "none"
    if enabled and name:
        backend = entries.get("backend", _built_backend, "none")
    cache = Cache(
        backend=backend,
        refresh_interval=entries.get("refresh_interval", duration(*REFRESH_SECONDS), 3600),
        refresh_randomized_delay=entries.get(
            "refresh_randomized_delay", duration(*DELAY_SECONDS), 300
        ),
        max_stale=entries.get("max_stale", duration(*STALE_SECONDS), None),
    )
    unserved = [key for key in _TIMER_KEYS if entries.find(key)]
    if unserved:
        entries.value.notice(f"{', '.join(unserved)}: not served yet; values stay until a restart")
    return cache


def _built_backend(value: Value) -> Literal["none", "memory"]:
    if value.text() == "memory":
        return "memory"
    raise Unfit(
        f"the backend {value.text()} is not built yet; use memory, or leave backend out "
        "to keep nothing"
    )


def read_sealer(entries: Section) -> Sealer | None:
    """Read ``sealer``."""
    entries.value.notice("the sealer is not served yet: this section is checked and not used")
    return Sealer(
        hold=entries.get("hold", _HOLD, "open"),
        tpm=entries.get("tpm", section(_tpm), None),
        pkcs11=entries.get("pkcs11", section(_pkcs11, _TOKEN_HINTS), None),
    )


def _tpm(entries: Section) -> Tpm | None:
    pcrs = entries.get("pcrs", list_of(integer(0, 23)), [7])
    if len(set(pcrs)) != len(pcrs):
        entries.value.error("pcrs names a register twice; keep one")
    return Tpm(entries.get("device", absolute_path, "/dev/tpmrm0"), tuple(pcrs))


def _pkcs11(entries: Section) -> Pkcs11 | None:
    return Pkcs11(
        module=entries.require("module", absolute_path, ""),
        token_label=entries.require("token_label", plain, ""),
        key_label=entries.require("key_label", plain, ""),
        pin_credential=entries.get("pin_credential", named(parse_credential), "hsm-pin"),
    )
