"""``auth``: how PSI proves to Infisical who it is; every method's fields.

They are the bodies of Infisical's machine-identity logins in snake_case, each also as
``…_file`` (its content) and ``…_credential`` (the name of a systemd credential).
"""

from typing import NamedTuple

from psi.shared.names import parse_credential
from psi.shared.projection import Auth, UniversalAuth, UnservedAuth
from psi.shared.secret import SecretBytes
from psictl.config.fields import choice, named, plain, secret
from psictl.config.places import absolute_path, secret_file, text_file
from psictl.config.value import Section

SERVED = "universal-auth"


class _Field(NamedTuple):
    name: str
    secret: bool = False
    required: bool = True


_IDENTITY = _Field("identity_id")
_JWT = _Field("jwt", secret=True)
# The service-account token has a well-known place, so kubernetes needs no jwt of its own.
_METHODS = {
    "universal-auth": (_Field("client_id"), _Field("client_secret", secret=True)),
    "aws-iam": (_IDENTITY,),
    "gcp": (_IDENTITY,),
    "azure": (_IDENTITY,),
    "kubernetes": (_IDENTITY, _Field("jwt", secret=True, required=False)),
    "oidc": (_IDENTITY, _JWT),
    "jwt": (_IDENTITY, _JWT),
    "ldap": (_IDENTITY, _Field("username"), _Field("password", secret=True)),
    "tls-cert": (_IDENTITY, _Field("certificate"), _Field("private_key", secret=True)),
    "token": (_Field("token", secret=True),),
}
NO_AUTH = UnservedAuth(name="none", identity="")
"""Stands in for what was wrong; a configuration with an error is never used."""


def read_auth(section: Section) -> Auth:
    """Read one ``auth`` section; a method that this version cannot use is noted."""
    method = section.require("method", choice(*_METHODS), "")
    if not method:
        for fields in _METHODS.values():
            _ask_all(section, fields)
        return NO_AUTH
    if section.find("organization_slug"):
        section.get("organization_slug", plain, "")
        section.value.notice("organization_slug is not served yet: logins name no organization")
    if method == SERVED:
        return _universal(section)
    for item in _METHODS[method]:
        _check(section, item)
    section.value.notice(f"method {method} is not served yet: its projects cannot be read")
    return UnservedAuth(name=method, identity=_identity(section, method))


def _universal(section: Section) -> Auth:
    client_id, client_secret = _METHODS[SERVED]
    given = _one_of(section, client_id), _one_of(section, client_secret)
    if given[0] == "client_id_credential":
        section.value.error(
            "client_id_credential is not served yet, and a client id is no secret; "
            "give client_id or client_id_file"
        )
    name = section.get("client_id", plain, "") or section.get("client_id_file", text_file, "")
    credential = section.get("client_secret_credential", named(parse_credential), "")
    if given[1] == "client_secret_credential":
        return UniversalAuth(client_id=name, client_secret_credential=credential)
    return UniversalAuth(client_id=name, client_secret=_secret(section))


def _secret(section: Section) -> SecretBytes:
    nothing = SecretBytes(b"")
    inline = section.get("client_secret", secret, nothing)
    return inline if len(inline) else section.get("client_secret_file", secret_file, nothing)


def _check(section: Section, item: _Field) -> None:
    """Check a field of a method that is not served: its form, but no file is read."""
    _one_of(section, item)
    if item.secret:
        section.get(item.name, secret, SecretBytes(b""))
    else:
        section.get(item.name, plain, "")
    section.get(f"{item.name}_file", absolute_path, "")
    section.get(f"{item.name}_credential", named(parse_credential), "")


def _identity(section: Section, method: str) -> str:
    """Return the method's first field that is no secret, as status shows it."""
    names = [item.name for item in _METHODS[method] if not item.secret]
    return section.get(names[0], plain, "") if names else ""


def _variants(item: _Field) -> tuple[str, str, str]:
    return item.name, f"{item.name}_file", f"{item.name}_credential"


def _ask_all(section: Section, fields: tuple[_Field, ...]) -> None:
    for item in fields:
        for key in _variants(item):
            section.find(key)


def _one_of(section: Section, item: _Field) -> str:
    """Return which variant of a field is given; none of a required one or two are errors."""
    variants = _variants(item)
    given = [key for key in variants if section.find(key)]
    if not given and item.required:
        section.value.error(f"{item.name} is missing; add it, {variants[1]} or {variants[2]}")
    if len(given) > 1:
        section.value.error(f"{' and '.join(given)} are given; keep one")
    return given[0] if given else ""
