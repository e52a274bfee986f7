"""The client certificate, as the TLS end before Infisical passes it on.

The stand-in is both: its TLS socket asks for a certificate and puts it into this header, in the
place of whatever a client wrote there.
"""

import base64
from urllib.parse import quote, unquote

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from tests.fakes.infisical.errors import bad_request, unauthorized
from tests.fakes.infisical.messages import Request

HEADER = "x-identity-tls-cert-auth-client-cert"


def pass_on(headers: dict[str, str], certificate: bytes | None) -> None:
    """Put the connection's client certificate (DER) into the header, or nothing."""
    headers.pop(HEADER, None)
    if certificate is not None:
        headers[HEADER] = quote(base64.b64encode(certificate).decode())


def common_name(request: Request, ca: str) -> str:
    """Return the common name of the certificate, which the authority must have signed.

    Raises:
        ApiError: 400 without a certificate, 401 for another authority's.

    """
    text = request.headers.get(HEADER)
    if text is None:
        raise bad_request("Missing TLS certificate in header")
    certificate = x509.load_der_x509_certificate(base64.b64decode(unquote(text)))
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(ca.encode()))
    except (ValueError, TypeError, InvalidSignature) as error:
        raise unauthorized("Access denied: Certificate not signed by the trusted CA.") from error
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value)
