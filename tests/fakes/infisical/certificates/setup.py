"""Authorities, policies and profiles: what an administrator sets up before anyone can issue."""

from typing import Any

from tests.fakes.infisical.call import Call
from tests.fakes.infisical.certificates import authorities
from tests.fakes.infisical.certificates import setup_shapes as shapes
from tests.fakes.infisical.certificates.model import Policy, Profile
from tests.fakes.infisical.certificates.permissions import require
from tests.fakes.infisical.certificates.signing import Span
from tests.fakes.infisical.certificates.wanted import uuid
from tests.fakes.infisical.certificates.words import KEY_ALGORITHMS
from tests.fakes.infisical.errors import bad_request, not_found
from tests.fakes.infisical.ids import fresh_id
from tests.fakes.infisical.messages import Response, json_response
from tests.fakes.infisical.schema import Fields

# The fields of an authority's configuration, and what a certificate's subject calls them.
_SUBJECT = {
    "commonName": "commonName",
    "organization": "organization",
    "ou": "organizationalUnit",
    "country": "country",
    "province": "state",
    "locality": "locality",
}
_RULES = ("subject", "sans", "keyUsages", "extendedKeyUsages", "algorithms", "validity")


def create_authority(call: Call) -> Response:
    """POST …/ca/internal: a root; intermediates come from the seed."""
    fields = Fields(call.body)
    name, project_id = fields.text("name"), fields.text("projectId")
    configuration = Fields(fields.source.get("configuration"), ("configuration",), fields.issues)
    kind, ends = configuration.text("type"), configuration.text("notAfter")
    algorithm = configuration.choice("keyAlgorithm", KEY_ALGORITHMS, "RSA_2048")
    texts = {mine: configuration.optional(theirs) or "" for theirs, mine in _SUBJECT.items()}
    fields.finish()
    require(call, project_id, "create", "certificate-authorities")
    if kind != "root":  # a real one would wait for its certificate, which no test needs
        raise bad_request("The stand-in makes roots alone; its seed has the other authorities")
    span = Span(call.state.clock.milliseconds(), authorities.milliseconds_of(ends))
    subject = {field: text for field, text in texts.items() if text}
    one = authorities.fresh(project_id, name, subject, algorithm, span)
    call.state.certificates.authorities[one.id] = one
    return json_response(shapes.authority(one))


def list_authorities(call: Call) -> Response:
    """GET …/ca."""
    project_id = _project_of(call, "certificate-authorities")
    known = call.state.certificates.authorities.values()
    found = [shapes.authority(one) for one in known if one.project_id == project_id]
    return json_response({"certificateAuthorities": found})


def _project_of(call: Call, subject: str) -> str:
    """Return the project that a query names, if the caller may read in it."""
    fields = Fields(call.request.query)
    project_id = fields.text("projectId")
    fields.finish()
    require(call, project_id, "read", subject)
    return project_id


def authority_certificates(call: Call) -> Response:
    """GET …/ca/internal/:caId/ca-certificates."""
    fields = Fields(call.request.params)
    authority_id = uuid(fields, "caId")
    fields.finish()
    one = call.state.certificates.authorities.get(authority_id)
    if one is None:
        raise not_found(f"Internal CA with ID '{authority_id}' not found")
    require(call, one.project_id, "read", "certificate-authorities")
    shape = shapes.authority(one)["configuration"]
    entry = {
        "certificate": one.pem,
        "certificateChain": "\n".join(one.chain[1:]),
        "serialNumber": shape["serialNumber"],
        "certId": one.certificate_id,
        "version": 1,
    }
    return json_response([entry])


def create_policy(call: Call) -> Response:
    """POST …/certificate-policies: the rules are kept as they come."""
    fields = Fields(call.body)
    project_id, name = fields.text("projectId"), fields.text("name")
    fields.finish()
    require(call, project_id, "create", "certificate-policies")
    rules = {one: fields.source[one] for one in _RULES if one in fields.source}
    one = Policy(fresh_id(), project_id, name, rules, call.state.clock.milliseconds())
    call.state.certificates.policies[one.id] = one
    return json_response({"certificatePolicy": shapes.policy(one)})


def create_profile(call: Call) -> Response:
    """POST …/certificate-profiles: enrolment by the API alone."""
    fields = Fields(call.body)
    project_id, slug = fields.text("projectId"), fields.text("slug")
    authority_id, policy_id = uuid(fields, "caId"), uuid(fields, "certificatePolicyId")
    fields.choice("enrollmentType", ["api"], "")
    config: dict[str, Any] = fields.value("apiConfig", "object", required=False) or {}
    defaults = fields.value("defaults", "object", required=False)
    fields.finish()
    require(call, project_id, "create", "certificate-profiles")
    store = call.state.certificates
    if authority_id not in store.authorities:
        raise not_found("Certificate Authority not found")
    if policy_id not in store.policies:
        raise not_found("Certificate policy not found")
    one = Profile(
        id=fresh_id(),
        project_id=project_id,
        slug=slug,
        authority=store.authorities[authority_id],
        policy=store.policies[policy_id],
        api_config_id=fresh_id(),
        api_config=config,
        defaults=defaults,
        created_at=call.state.clock.milliseconds(),
    )
    store.profiles[one.id] = one
    return json_response({"certificateProfile": shapes.profile(one)})


def list_profiles(call: Call) -> Response:
    """GET …/certificate-profiles."""
    project_id = _project_of(call, "certificate-profiles")
    known = call.state.certificates.profiles.values()
    found = [shapes.listed_profile(one) for one in known if one.project_id == project_id]
    return json_response({"certificateProfiles": found, "totalCount": len(found)})


def profile_by_slug(call: Call) -> Response:
    """GET …/certificate-profiles/slug/:slug."""
    project_id, slug = _project_of(call, "certificate-profiles"), call.request.params["slug"]
    for one in call.state.certificates.profiles.values():
        if (one.project_id, one.slug) == (project_id, slug):
            return json_response({"certificateProfile": shapes.profile(one)})
    raise not_found("Certificate profile not found")
