"""What is told of certificates and of requests for them."""

from tests.fakes.infisical.call import Call
from tests.fakes.infisical.certificates import shapes
from tests.fakes.infisical.certificates.permissions import certificate_for, may, require
from tests.fakes.infisical.certificates.renewal import id_of
from tests.fakes.infisical.certificates.wanted import uuid
from tests.fakes.infisical.errors import not_found
from tests.fakes.infisical.messages import Response, json_response
from tests.fakes.infisical.schema import Fields

_NO_CACHE = {
    "cache-control": "no-store, no-cache, must-revalidate, proxy-revalidate",
    "pragma": "no-cache",
}


def get(call: Call) -> Response:
    """GET …/certificates/:id: all but the texts."""
    certificate_id = id_of(call, "Find certificate with full details")
    certificate = certificate_for(call, certificate_id, "read")
    return json_response({"certificate": shapes.full(certificate, call.state.clock.milliseconds())})


def body(call: Call) -> Response:
    """GET …/certificates/:id/certificate."""
    return json_response(shapes.body(certificate_for(call, id_of(call), "read")))


def bundle(call: Call) -> Response:
    """GET …/certificates/:id/bundle: the texts with the key, if the server has it."""
    certificate = certificate_for(call, id_of(call), "read")
    require(call, certificate.profile.project_id, "read-private-key", "certificates")
    key = certificate.private_key
    response = json_response(
        shapes.body(certificate) | {"privateKey": key.rstrip("\n") if key is not None else None}
    )
    response.headers |= _NO_CACHE
    return response


def private_key(call: Call) -> Response:
    """GET …/certificates/:id/private-key: the bare PEM."""
    certificate = certificate_for(call, id_of(call), "read-private-key")
    if certificate.private_key is None:
        raise not_found(f"Certificate secret for certificate with ID '{certificate.id}' not found")
    headers = {"content-type": "text/plain; charset=utf-8"} | _NO_CACHE
    return Response(200, certificate.private_key.encode(), headers)


def request(call: Call) -> Response:
    """GET …/certificates/certificate-requests/:requestId."""
    fields = Fields(call.request.params)
    request_id = uuid(fields, "requestId")
    fields.finish()
    found = call.state.certificates.requests.get(request_id)
    if found is None:
        raise not_found("Certificate request not found")
    project_id = found.profile.project_id
    require(call, project_id, "read", "certificates")
    with_key = may(call, project_id, "read-private-key")
    return json_response(shapes.request(found, with_key=with_key))
