"""``sealer``: the device that protects what is kept at rest, and how it is used."""

from typing import Literal

from psi.shared.projection import Pkcs11Options, TpmOptions
from psi.shared.secret import SecretBytes
from psictl.config.fields import choice, integer, list_of, plain, secret
from psictl.config.model import SEALED_BACKENDS, Cache, Sealer
from psictl.config.outside import credential, device_node, pkcs11_module
from psictl.config.places import secret_file
from psictl.config.value import Parse, Section, section

DEVICE = "/dev/tpmrm0"
"""With the kernel's resource manager: without it a crashed client leaves its objects behind."""
BOOT_PCRS = [7]
"""Secure Boot's state and keys, which no kernel update changes (TCG PC Client, table 1)."""
TOKEN_HINTS = {
    "slot": "a slot's number changes when tokens are plugged in; name the token by token_label",
    "key_id": "name the key by key_label",
}
Policy = Literal["none", "pcr", "authorized"]
_POLICY: Parse[Policy] = choice("none", "pcr", "authorized")
_HOLD: Parse[Literal["open", "per-operation"]] = choice("open", "per-operation")
_PINS = ("pin", "pin_file", "pin_credential")
_NO_TOKEN = Pkcs11Options(module="", token_label="", key_label="")
"""Stands in for what was wrong; a configuration with an error is never used."""
BOOT_TPM = TpmOptions(tcti=f"device:{DEVICE}", pcrs=BOOT_PCRS, policy="authorized")
"""Where the backend is ``tpm`` and the file says nothing about it."""


def read_sealer(entries: Section) -> Sealer:
    """Read ``sealer``."""
    return Sealer(
        hold=entries.get("hold", _HOLD, "open"),
        tpm=entries.get("tpm", section(_tpm), None),
        pkcs11=entries.get("pkcs11", section(_pkcs11, TOKEN_HINTS), _NO_TOKEN)
        if entries.find("pkcs11")
        else None,
    )


def check_together(entries: Section, cache: Cache, sealer: Sealer | None) -> None:
    """Hold ``cache.backend`` against ``sealer``: what it needs, and what it does not use."""
    chosen, described = entries.find("cache"), entries.find("sealer")
    if cache.backend == "hsm" and (sealer is None or sealer.pkcs11 is None) and chosen:
        chosen.error(
            "backend hsm needs sealer.pkcs11: add it with module, token_label and key_label"
        )
    if sealer is None or described is None:
        return
    if cache.backend not in SEALED_BACKENDS:
        described.notice(f"not used: cache.backend is {cache.backend}, which asks no device")
        return
    for name, backend in (("tpm", "tpm"), ("pkcs11", "hsm")):
        if getattr(sealer, name) is not None and cache.backend != backend:
            described.notice(f"{name} is not used: cache.backend is {cache.backend}")


def _tpm(entries: Section) -> TpmOptions:
    policy = entries.get("policy", _POLICY, None)
    default = [] if policy == "none" else BOOT_PCRS
    pcrs = entries.get("pcrs", list_of(integer(0, 23)), default)
    if len(set(pcrs)) != len(pcrs):
        entries.value.error("pcrs names a register twice; keep one")
    if policy == "none" and pcrs:
        entries.value.error("policy none binds the key to no register; remove pcrs or policy")
    if policy in {"pcr", "authorized"} and not pcrs:
        entries.value.error(f"policy {policy} needs a register; add pcrs: [7], or remove policy")
    chosen: Policy = policy or ("authorized" if pcrs else "none")
    device = entries.get("device", device_node, DEVICE)
    return TpmOptions(tcti=f"device:{device}", pcrs=pcrs, policy=chosen)


def _pkcs11(entries: Section) -> Pkcs11Options:
    given = [key for key in _PINS if entries.find(key)]
    if len(given) > 1:
        entries.value.error(f"{' and '.join(given)} are given; keep one")
    return Pkcs11Options(
        module=entries.require("module", pkcs11_module, ""),
        token_label=entries.require("token_label", plain, ""),
        key_label=entries.require("key_label", plain, ""),
        pin=_pin(entries),
        pin_credential=entries.get("pin_credential", credential, None),
    )


def _pin(entries: Section) -> SecretBytes | None:
    inline = entries.get("pin", secret, None)
    return inline if inline is not None else entries.get("pin_file", secret_file, None)
