"""A client of the stand-in's certificate manager, and a seed with several authorities."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.fakes.infisical.certificates.seed import (
    AuthoritySeed,
    ProfileSeed,
    policy,
    profile_id,
)
from tests.fakes.infisical.certificates.signing import key_usage
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed
from tests.unit.fakes_infisical.api import ADMIN, LOGIN, PROJECT, SECRET

MEMBER = "00000000-0000-4000-8000-0000000000c3"
MANAGER = "/api/v1/cert-manager"
BASE = f"{MANAGER}/certificates"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def certificate_seed() -> Seed:
    """Return an administrator, a member, and authorities with profiles; one ends tomorrow."""
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    names = policy(names=("dns_name", "ip_address"))
    project = ProjectSeed(PROJECT, "certs", type="cert-manager", members={MEMBER: "member"})
    project.authorities = [
        AuthoritySeed("root"),
        AuthoritySeed("issuing", parent="root"),
        AuthoritySeed("stranger"),
        AuthoritySeed("ending", not_after=tomorrow.isoformat()),
    ]
    project.profiles = [
        ProfileSeed("web", "issuing", names),
        ProfileSeed("plain", "root", defaults={}),
        ProfileSeed("ending", "ending", defaults={"ttlDays": 2}),
    ]
    return Seed([IdentitySeed(ADMIN, SECRET), IdentitySeed(MEMBER, SECRET, role="none")], [project])


@dataclass
class CertificateApi:
    """A logged-in client."""

    stand_in: StandIn
    http: httpx.Client
    token: str = ""

    def login(self, client_id: str = ADMIN) -> None:
        """Log in and keep the token."""
        answer = self.http.post(LOGIN, json={"clientId": client_id, "clientSecret": SECRET})
        self.token = answer.json()["accessToken"]

    def call(self, method: str, path: str, body: Any = None, base: str = BASE) -> httpx.Response:
        """Call a route, below the certificates if not said otherwise."""
        headers = {"authorization": f"Bearer {self.token}"}
        return self.http.request(method, base + path, json=body, headers=headers)

    def issue(self, csr: str | None = None, profile: str = "web", **more: Any) -> httpx.Response:
        """Ask for a certificate; `more` are attributes."""
        body: dict[str, Any] = {"profileId": profile_id(PROJECT, profile)}
        body |= {"csr": csr} if csr is not None else {}
        return self.call("POST", "", body | ({"attributes": more} if more else {}))

    def issued(self, csr: str | None = None, **more: Any) -> dict[str, Any]:
        """Ask for a certificate and get it."""
        answer = self.issue(csr, **more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["certificate"]
        return found

    def leaf(self, csr: str | None = None, **more: Any) -> x509.Certificate:
        """Ask for a certificate, get it, and read it."""
        return x509.load_pem_x509_certificate(self.issued(csr, **more)["certificate"].encode())


@contextmanager
def certificate_manager() -> Iterator[CertificateApi]:
    """Run a stand-in with that seed; give a client that is logged in as the administrator."""
    with (
        StandIn(certificate_seed()) as running,
        httpx.Client(base_url=running.url, trust_env=False) as client,
    ):
        api = CertificateApi(running, client)
        api.login()
        yield api


ATTRIBUTES: dict[str, Any] = {
    "commonName": "host.example",
    "altNames": [{"type": "dns_name", "value": "host.example"}],
    "keyAlgorithm": "EC_prime256v1",
    "signatureAlgorithm": "ECDSA-SHA256",
}


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a fresh key."""
    return ec.generate_private_key(ec.SECP256R1())


def csr_of(
    key: Key, name: str = "host.example", *extensions: x509.ExtensionType
) -> x509.CertificateSigningRequest:
    """Return a signing request for a name, with its usages and what else is given."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    usages = [
        key_usage(["digital_signature"]),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
    ]
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    given = {type(one): one for one in (names, *usages, *extensions)}
    for extension in given.values():
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256())


def pem(request: x509.CertificateSigningRequest) -> str:
    """Return a signing request as text."""
    return request.public_bytes(serialization.Encoding.PEM).decode()
