"""What tests do to the certificate manager, below `/__control__/certificates/`."""

from collections.abc import Callable
from typing import Any

from tests.fakes.infisical.certificates import making, misissue
from tests.fakes.infisical.certificates.model import CertificateRequest
from tests.fakes.infisical.certificates.renewal import revoke_now
from tests.fakes.infisical.errors import ApiError
from tests.fakes.infisical.state import State

WAITING = ("pending_approval", "pending", "pending_validation")


def _authority(state: State, body: dict[str, Any]) -> Any:
    return {"pem": state.certificates.authority_named(body["name"]).pem}


def _let_wait(state: State, body: dict[str, Any]) -> Any:
    """Let a profile's requests wait from now on; null lets them be issued at once again."""
    status = body["status"]
    if status is not None and status not in WAITING:
        raise ValueError(f"status {status!r} is not one of {WAITING}")
    state.certificates.profile_named(body["profile"]).waits_with = status
    return {}


def _waiting(state: State, _: dict[str, Any]) -> Any:
    found = state.certificates.requests.values()
    return {"requests": [one.id for one in found if one.status in WAITING]}


def _request(state: State, body: dict[str, Any]) -> CertificateRequest:
    request = state.certificates.requests.get(body["request"])
    if request is None or request.status not in WAITING:
        raise ValueError(f"no certificate request {body['request']!r} waits")
    request.updated_at = state.clock.milliseconds()
    return request


def _approve(state: State, body: dict[str, Any]) -> Any:
    """Issue what a request asks for; a breach of the policy makes it fail instead."""
    request = _request(state, body)
    try:
        wanted = making.checked(request.profile, request.wanted)
        request.certificate = making.make(state, request.profile, wanted)
        request.status = "issued"
    except ApiError as error:
        request.status, request.error = "failed", str(error.message)
    return {"status": request.status}


def _end(state: State, body: dict[str, Any]) -> Any:
    """End a request without a certificate: `rejected` or `failed`, with a reason or none."""
    if body["status"] not in ("rejected", "failed"):
        raise ValueError(f"a request does not end as {body['status']!r}")
    request = _request(state, body)
    request.status, request.error = body["status"], body.get("reason")
    return {}


def _revoke(state: State, body: dict[str, Any]) -> Any:
    certificate = state.certificates.certificates[body["id"]]
    revoke_now(certificate, body["reason"], state.clock.milliseconds())
    return {}


def _list(state: State, _: dict[str, Any]) -> Any:
    now = state.clock.milliseconds()
    return {
        "certificates": [
            {
                "id": one.id,
                "profile": one.profile.slug,
                "status": one.status(now),
                "serial": one.serial,
                "pem": one.pem,
                "has_key": one.private_key is not None,
            }
            for one in state.certificates.certificates.values()
        ]
    }


def _misissue(state: State, body: dict[str, Any]) -> Any:
    misissue.add(state.certificates, body)
    return {}


def _issue_rightly(state: State, _: dict[str, Any]) -> Any:
    state.certificates.misissues.clear()
    return {}


ACTIONS: dict[tuple[str, str], Callable[[State, dict[str, Any]], Any]] = {
    ("GET", "certificates"): _list,
    ("POST", "certificates/authority"): _authority,
    ("POST", "certificates/wait"): _let_wait,
    ("GET", "certificates/waiting"): _waiting,
    ("POST", "certificates/approve"): _approve,
    ("POST", "certificates/end"): _end,
    ("POST", "certificates/revoke"): _revoke,
    ("POST", "certificates/misissue"): _misissue,
    ("DELETE", "certificates/misissue"): _issue_rightly,
}
