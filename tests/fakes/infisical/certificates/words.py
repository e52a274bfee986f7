"""What Infisical calls key usages, name types and algorithms, and what X.509 calls them."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier, SignatureAlgorithmOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

# Infisical's word in requests, its word in what it tells of a certificate, and X.509's.
KEY_USAGES = {
    "digital_signature": ("digitalSignature", "digital_signature"),
    "key_encipherment": ("keyEncipherment", "key_encipherment"),
    "non_repudiation": ("nonRepudiation", "content_commitment"),
    "data_encipherment": ("dataEncipherment", "data_encipherment"),
    "key_agreement": ("keyAgreement", "key_agreement"),
    "key_cert_sign": ("keyCertSign", "key_cert_sign"),
    "crl_sign": ("cRLSign", "crl_sign"),
    "encipher_only": ("encipherOnly", "encipher_only"),
    "decipher_only": ("decipherOnly", "decipher_only"),
}
EXTENDED_KEY_USAGES: dict[str, tuple[str, ObjectIdentifier]] = {
    "client_auth": ("clientAuth", ExtendedKeyUsageOID.CLIENT_AUTH),
    "server_auth": ("serverAuth", ExtendedKeyUsageOID.SERVER_AUTH),
    "code_signing": ("codeSigning", ExtendedKeyUsageOID.CODE_SIGNING),
    "email_protection": ("emailProtection", ExtendedKeyUsageOID.EMAIL_PROTECTION),
    "ocsp_signing": ("ocspSigning", ExtendedKeyUsageOID.OCSP_SIGNING),
    "time_stamping": ("timeStamping", ExtendedKeyUsageOID.TIME_STAMPING),
}
NAME_TYPES = ["dns_name", "ip_address", "email", "uri"]

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "EC_prime256v1": ec.SECP256R1,
    "EC_secp384r1": ec.SECP384R1,
    "EC_secp521r1": ec.SECP521R1,
}
_SIZES = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
KEY_ALGORITHMS = [*_SIZES, *_CURVES]
SIGNATURE_ALGORITHMS = {
    "RSA-SHA256": SignatureAlgorithmOID.RSA_WITH_SHA256,
    "RSA-SHA384": SignatureAlgorithmOID.RSA_WITH_SHA384,
    "RSA-SHA512": SignatureAlgorithmOID.RSA_WITH_SHA512,
    "ECDSA-SHA256": SignatureAlgorithmOID.ECDSA_WITH_SHA256,
    "ECDSA-SHA384": SignatureAlgorithmOID.ECDSA_WITH_SHA384,
    "ECDSA-SHA512": SignatureAlgorithmOID.ECDSA_WITH_SHA512,
}
# A policy has words of its own for the same things.
POLICY_KEY_ALGORITHMS = {
    "RSA-2048": "RSA_2048",
    "RSA-3072": "RSA_3072",
    "RSA-4096": "RSA_4096",
    "ECDSA-P256": "EC_prime256v1",
    "ECDSA-P384": "EC_secp384r1",
    "ECDSA-P521": "EC_secp521r1",
}
POLICY_SIGNATURE_ALGORITHMS = {
    "-".join(reversed(name.split("-"))): name for name in SIGNATURE_ALGORITHMS
}
_HASHES: dict[str, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}


def new_key(algorithm: str, secret: int | None = None) -> PrivateKey:
    """Return a fresh key, or the elliptic one of a secret number; RSA keys are always fresh."""
    if algorithm in _SIZES:
        return rsa.generate_private_key(65537, _SIZES[algorithm])
    curve = _CURVES[algorithm]()
    if secret is None:
        return ec.generate_private_key(curve)
    return ec.derive_private_key(secret, curve)


def key_algorithm_of(key: object) -> str | None:
    """Return Infisical's word for a public key's algorithm, or None if it has none."""
    if isinstance(key, rsa.RSAPublicKey):
        return next((name for name, size in _SIZES.items() if size == key.key_size), None)
    if isinstance(key, ec.EllipticCurvePublicKey):
        curve = type(key.curve)
        return next((name for name, one in _CURVES.items() if one is curve), None)
    return None


def signature_algorithm_of(request: x509.CertificateSigningRequest) -> str | None:
    """Return Infisical's word for a request's signature algorithm, or None if it has none."""
    oid = request.signature_algorithm_oid
    return next((name for name, one in SIGNATURE_ALGORITHMS.items() if one == oid), None)


def hash_of(signature_algorithm: str) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
    """Return the hash of a signature algorithm such as `ECDSA-SHA256`."""
    return _HASHES[signature_algorithm.partition("-")[2]]()


def family_of(algorithm: str) -> str:
    """Return `RSA` or `ECDSA` for a key or a signature algorithm."""
    return "RSA" if algorithm.startswith("RSA") else "ECDSA"


def key_pem(key: PrivateKey) -> str:
    """Return a key as PKCS #8 with its trailing newline."""
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def certificate_pem(certificate: x509.Certificate) -> str:
    """Return a certificate as Infisical writes it: without the trailing newline."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode().rstrip("\n")
