"""From a wish to a certificate: the checks of profile, policy and authority, and the signing."""

from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from tests.fakes.infisical.certificates import misissue, ttl
from tests.fakes.infisical.certificates.model import (
    Authority,
    Certificate,
    CertificateRequest,
    Profile,
    Wanted,
)
from tests.fakes.infisical.certificates.policy import require_algorithms, require_no_breach
from tests.fakes.infisical.certificates.signing import Span, serial_text, sign_leaf
from tests.fakes.infisical.certificates.wanted import with_defaults
from tests.fakes.infisical.certificates.words import (
    certificate_pem,
    family_of,
    key_pem,
    new_key,
)
from tests.fakes.infisical.errors import bad_request, went_wrong
from tests.fakes.infisical.ids import fresh_id
from tests.fakes.infisical.state import State


def checked(profile: Profile, wanted: Wanted) -> Wanted:
    """Return a wish with the profile's defaults, if the policy lets it pass.

    Raises:
        ApiError: 400 for a breach, a missing algorithm or no TTL; 500 for a unit of TTL.

    """
    rules, defaults = profile.policy.rules, profile.defaults or {}
    wanted = with_defaults(wanted, defaults)
    require_no_breach(rules, wanted)
    require_algorithms(rules, wanted)
    if not wanted.ttl and not defaults.get("ttlDays"):
        raise bad_request("Certificate issuance requires a valid TTL")
    wanted.ttl = wanted.ttl or f"{defaults['ttlDays']}d"
    return wanted


def make(state: State, profile: Profile, wanted: Wanted) -> Certificate:
    """Issue a certificate for a checked wish, wrongly if a test wants it so, and keep it.

    Raises:
        ApiError: 400 when the authority cannot sign that; 500 for names that X.509 does not take.

    """
    now = state.clock.milliseconds()
    span = Span(now, now + ttl.milliseconds(wanted.ttl or ""))
    _require_able(profile.authority, wanted, span)
    key = None if wanted.public_key is not None else new_key(wanted.key_algorithm or "RSA_2048")
    public_key = wanted.public_key if key is None else key.public_key()
    try:
        certificate = _signed(state, profile, wanted, public_key, span)
    except ValueError as error:
        raise went_wrong() from error
    if key is not None and certificate.private_key is None:
        certificate.private_key = key_pem(key)
    state.certificates.certificates[certificate.id] = certificate
    return certificate


def _require_able(authority: Authority, wanted: Wanted, span: Span) -> None:
    algorithm = wanted.signature_algorithm or authority.key_algorithm
    family = family_of(authority.key_algorithm)
    if span.not_before > authority.not_after:
        raise bad_request("CA is expired")
    if span.not_before < authority.not_before:
        raise bad_request("notBefore date is before CA certificate's notBefore date")
    if span.not_after > authority.not_after:
        raise bad_request("notAfter date is after CA certificate's notAfter date")
    if family_of(algorithm) != family:
        raise bad_request(
            f"Requested signature algorithm {algorithm} is not compatible with CA key algorithm "
            f"{authority.key_algorithm}. CA can only sign with {family}-based signature algorithms."
        )


def _signed(
    state: State,
    profile: Profile,
    wanted: Wanted,
    public_key: CertificatePublicKeyTypes | None,
    span: Span,
) -> Certificate:
    if public_key is None:
        raise ValueError("a certificate needs a key")
    store = state.certificates
    draft = misissue.Draft(profile.authority, replace(wanted), public_key, span)
    rule = misissue.take(store)
    if rule is not None:
        misissue.bend(rule, draft, store)
    signed = sign_leaf(draft.authority, draft.wanted, draft.public_key, draft.span, store.site_url)
    certificate = Certificate(
        id=fresh_id(),
        profile=profile,
        wanted=draft.wanted,
        certificate=signed,
        pem=certificate_pem(signed),
        issuer=draft.authority.pem,
        chain=draft.authority.chain,
        serial=serial_text(signed.serial_number),
        private_key=None,
        not_before=draft.span.not_before,
        not_after=draft.span.not_after,
        # The server's transaction began a little before.
        created_at=span.not_before - 1,
        updated_at=span.not_before - 1,
    )
    if rule is not None:
        misissue.overwrite(rule, certificate)
    return certificate


def keep_request(
    state: State,
    profile: Profile,
    wanted: Wanted,
    status: str,
    certificate: Certificate | None = None,
) -> CertificateRequest:
    """Remember a request that was issued or that waits."""
    now = state.clock.milliseconds()
    # As recorded, a request is younger than its own update: two clocks, before the transaction
    # and in it. A millisecond apart is enough to tell them.
    request = CertificateRequest(fresh_id(), profile, wanted, status, now + 1, now - 1, certificate)
    state.certificates.requests[request.id] = request
    return request
