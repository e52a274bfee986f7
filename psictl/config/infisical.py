"""``providers.infisical``: where it is, how it is trusted, who we are, which projects."""

from collections.abc import Callable

from psi.shared.names import parse_alias, parse_environment_slug
from psi.shared.projection import Auth, Infisical, Project
from psictl.config.auth import read_auth
from psictl.config.certificates import certificates
from psictl.config.fields import duration, flag, identifier, map_of, named
from psictl.config.model import DEFAULT_API_URL, Certificate, Provider
from psictl.config.places import api_url, certificate_authority, proxy_url
from psictl.config.value import Parse, Section, Value, section

TOKEN_SECONDS = (10, 7_776_000)
"""Infisical itself ends a token after 90 days (MAX_MACHINE_IDENTITY_TOKEN_AGE)."""
_NO_PROJECT = Project(id="", environment="")
_TRUST_HINTS = {
    "ca_path": "name one PEM file with ca_cert",
    "url": "write api_url",
    "organization": "each project is named by its id; remove it",
}


def read_infisical(entries: Section) -> Provider:
    """Read the one provider's section."""
    verify = entries.get("verify_ssl", flag, default=True)
    ca_cert = entries.get("ca_cert", certificate_authority, None)
    if not verify:
        entries.value.notice("verify_ssl: false: whoever is on the way can pose as Infisical")
    auth = entries.get("auth", section(read_auth), None)
    infisical = Infisical(
        api_url=entries.get("api_url", api_url, DEFAULT_API_URL),
        verify_ssl=verify,
        ca_cert=ca_cert,
        proxy=entries.get("proxy", proxy_url, None),
        token_ttl=entries.get("token", section(_token_ttl), 300),
        auth=auth,
        projects=entries.get("projects", _projects(auth), {}),
    )
    projects = frozenset(infisical.projects)
    found: dict[str, Certificate] = entries.get("tls", section(_tls(projects)), {})
    return Provider(infisical=infisical, certificates=found)


def _tls(projects: frozenset[str]) -> Callable[[Section], dict[str, Certificate]]:
    return lambda entries: entries.get("certificates", certificates(projects), {})


def _projects(fallback: Auth | None) -> Parse[dict[str, Project]]:
    def one(value: Value) -> Project:
        project = section(_project)(value)
        if project.auth is None and fallback is None:
            value.error("has no auth, and there is no global one; add auth here or above projects")
        return project

    return map_of(parse_alias, one, _NO_PROJECT)


def _project(entries: Section) -> Project:
    return Project(
        id=entries.require("id", identifier, ""),
        environment=entries.require("environment", named(parse_environment_slug), ""),
        auth=entries.get("auth", section(read_auth), None),
    )


def _token_ttl(entries: Section) -> int:
    return entries.get("ttl", duration(*TOKEN_SECONDS, bare_seconds=True), 300)
