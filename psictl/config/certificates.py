"""``providers.infisical.tls.certificates``: checked whole, served when the pki process exists."""

import ipaddress
import re
from typing import Literal

from psi.shared.names import parse_alias, printable
from psictl.config.fields import (
    certificate_ttl,
    choice,
    duration,
    identifier,
    list_of,
    map_of,
    octal_mode,
    plain,
)
from psictl.config.hooks import hook
from psictl.config.model import AltName, Certificate, Output
from psictl.config.places import absolute_path
from psictl.config.problems import Unfit
from psictl.config.value import Parse, Section, Value, section

NOT_SERVED = "tls certificates are not served yet: they are checked, and none is issued"
KEY_ALGORITHMS = ("RSA_2048", "RSA_4096", "EC_prime256v1", "EC_secp384r1")
PARTS = ("cert", "key", "chain", "ca", "combined")
RENEW_SECONDS = (3600, 86_400 * 3650)
HOOK_SECONDS = (1, 3600)
_HOUR = {"d": 24, "h": 1}
_DNS = re.compile(r"(?:\*\.)?(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,32}")
_GROUP = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
_URI = re.compile(r"[a-z][a-z0-9+.-]{0,31}:[!-~]{1,1000}")
_NO_CERTIFICATE = Certificate("", "", "", (), "", "1d", 0, Output({}))

AltType = Literal["dns_name", "ip_address", "email", "uri"]
_ALT_TYPE: Parse[AltType] = choice("dns_name", "ip_address", "email", "uri")


def certificates(projects: frozenset[str]) -> Parse[dict[str, Certificate]]:
    """Return the parser of the section; output paths are unique over all certificates."""

    def parse(value: Value) -> dict[str, Certificate]:
        taken: dict[str, str] = {}
        one = section(lambda entries: _certificate(entries, projects, taken))
        found = map_of(parse_alias, one, _NO_CERTIFICATE)(value)
        if found:
            value.notice(NOT_SERVED)
        return found

    return parse


def _certificate(entries: Section, projects: frozenset[str], taken: dict[str, str]) -> Certificate:
    ttl = entries.get("ttl", certificate_ttl, "90d")
    renew_before = entries.get("renew_before", duration(*RENEW_SECONDS), _default_renewal(ttl))
    if renew_before >= _seconds(ttl):
        entries.value.error(f"renew_before is not shorter than ttl {ttl}; make it a third of it")
    return Certificate(
        project=entries.require("project", known_project(projects), ""),
        profile_id=entries.require("profile_id", identifier, ""),
        common_name=entries.require("common_name", _dns_name, ""),
        alt_names=tuple(entries.get("alt_names", list_of(section(_alt_name)), [])),
        key_algorithm=entries.get("key_algorithm", choice(*KEY_ALGORITHMS), "EC_prime256v1"),
        ttl=ttl,
        renew_before=renew_before,
        output=entries.require("output", section(lambda inner: _output(inner, taken)), Output({})),
        hooks=tuple(entries.get("hooks", list_of(hook), [])),
        failure_hooks=tuple(entries.get("failure_hooks", list_of(hook), [])),
        hook_timeout=entries.get("hook_timeout", duration(*HOOK_SECONDS), 30),
    )


def known_project(projects: frozenset[str]) -> Parse[str]:
    """Return the parser of a reference to a configured project."""

    def parse(value: Value) -> str:
        name = parse_alias(value.text())
        if name in projects:
            return name
        known = ", ".join(sorted(projects)) or "none"
        raise Unfit(f"project {name!r} is not under providers.infisical.projects; known: {known}")

    return parse


def _seconds(ttl: str) -> int:
    return int(ttl[:-1]) * _HOUR[ttl[-1]] * 3600


def _default_renewal(ttl: str) -> int:
    """Return a third of the certificate's life: two renewals may fail before it ends."""
    return _seconds(ttl) // 3


def _output(entries: Section, taken: dict[str, str]) -> Output:
    paths = {}
    for part in PARTS:
        value = entries.find(part)
        path = entries.get(part, absolute_path, "")
        if value is None or not path:
            continue
        if path in taken:
            value.error(f"{path} is already the output {taken[path]}; give each its own file")
        taken[path] = value.path
        paths[part] = path
    if not any(entries.find(part) for part in PARTS):
        entries.value.error(f"names no file; give one or more of {', '.join(PARTS)}")
    mode = entries.get("mode", _readable_mode, "0640")
    return Output(paths, mode, entries.get("group", _group, None))


def _readable_mode(value: Value) -> str:
    mode = octal_mode(value)
    if int(mode, 8) & 0o133:
        raise Unfit(f"{mode} lets others write or run a certificate; give 0600, 0640 or 0644")
    return mode


def _group(value: Value) -> str:
    text = value.text()
    if _GROUP.fullmatch(text) is None:
        raise Unfit(f"{printable(text, 40)!r} is no name of a group; see getent group")
    return text


def _alt_name(entries: Section) -> AltName:
    kind: AltType = entries.require("type", _ALT_TYPE, "dns_name")
    return AltName(kind, entries.require("value", _ALT_VALUES[kind], ""))


def _dns_name(value: Value) -> str:
    return _matching(value, _DNS, "DNS name")


def _email(value: Value) -> str:
    return _matching(value, _EMAIL, "email address")


def _uri(value: Value) -> str:
    return _matching(value, _URI, "URI")


def _matching(value: Value, pattern: re.Pattern[str], what: str) -> str:
    text = plain(value)
    if pattern.fullmatch(text) is None:
        raise Unfit(f"{printable(text, 80)!r} is no {what}; correct it")
    return text


def _ip_address(value: Value) -> str:
    text = plain(value)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise Unfit(f"{printable(text, 40)!r} is no IP address; correct it") from None


_ALT_VALUES: dict[str, Parse[str]] = {
    "dns_name": _dns_name,
    "ip_address": _ip_address,
    "email": _email,
    "uri": _uri,
}
