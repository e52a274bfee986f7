"""Authorities, policies and profiles beyond the recordings."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.infisical.certificates.seed import policy, profile_id
from tests.unit.fakes_infisical.api import ADMIN, PROJECT
from tests.unit.fakes_infisical.certificate_api import (
    BASE,
    MANAGER,
    MEMBER,
    CertificateApi,
    certificate_manager,
)

UNKNOWN = "00000000-0000-4000-8000-000000000000"
ROOT = {"type": "root", "commonName": "R", "notAfter": "2040-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def certs() -> Iterator[CertificateApi]:
    with certificate_manager() as api:
        yield api


def call(certs: CertificateApi, method: str, path: str, body: Any = None) -> httpx.Response:
    """Call a route beside the certificates."""
    return certs.call(method, path, body, MANAGER)


def at_project(path: str) -> str:
    """Return a path with the project in its query."""
    return f"{path}?projectId={PROJECT}"


def test_a_seeded_profile_by_its_slug(certs: CertificateApi) -> None:
    found = call(certs, "GET", at_project("/certificate-profiles/slug/web")).json()
    assert found["certificateProfile"]["id"] == profile_id(PROJECT, "web")
    assert call(certs, "GET", at_project("/certificate-profiles/slug/no")).status_code == 404
    assert call(certs, "GET", "/certificate-profiles/slug/web").status_code == 422
    foreign = f"/certificate-profiles/slug/web?projectId={UNKNOWN}"
    assert call(certs, "GET", foreign).status_code == 404


def test_the_listed_authorities_know_their_parents(certs: CertificateApi) -> None:
    listed = call(certs, "GET", at_project("/ca")).json()["certificateAuthorities"]
    by_name = {one["name"]: one for one in listed}
    root, issuing = by_name["root"], by_name["issuing"]
    kinds = [one["configuration"]["type"] for one in (root, issuing)]
    assert kinds == ["root", "intermediate"]
    assert issuing["configuration"]["parentCaId"] == root["id"]
    (entry,) = call(certs, "GET", f"/ca/internal/{issuing['id']}/ca-certificates").json()
    assert entry["certificate"] == certs.stand_in.certificates.authority("issuing")
    assert entry["certificateChain"] == certs.stand_in.certificates.authority("root")
    assert call(certs, "GET", f"/ca/internal/{UNKNOWN}/ca-certificates").status_code == 404


def test_roots_alone_are_made_by_call(certs: CertificateApi) -> None:
    body = {"name": "r", "projectId": PROJECT, "configuration": ROOT}
    made = call(certs, "POST", "/ca/internal", body).json()
    assert made["configuration"]["keyAlgorithm"] == "RSA_2048"
    refused = body | {"configuration": ROOT | {"type": "intermediate"}}
    assert call(certs, "POST", "/ca/internal", refused).status_code == 400
    assert call(certs, "POST", "/ca/internal", {"name": "r"}).status_code == 422


@pytest.mark.parametrize("unknown", ["caId", "certificatePolicyId"])
def test_a_profile_needs_its_authority_and_policy(certs: CertificateApi, unknown: str) -> None:
    authority = call(certs, "GET", at_project("/ca")).json()["certificateAuthorities"][0]["id"]
    rules = {"projectId": PROJECT, "name": "p"} | policy()
    made = call(certs, "POST", "/certificate-policies", rules).json()["certificatePolicy"]
    body = {"projectId": PROJECT, "slug": f"no-{unknown}", "enrollmentType": "api"}
    body |= {"caId": authority, "certificatePolicyId": made["id"]}
    refused = call(certs, "POST", "/certificate-profiles", body | {unknown: UNKNOWN})
    assert refused.status_code == 404
    assert call(certs, "POST", "/certificate-profiles", body).status_code == 200


def test_a_member_reads_and_makes_nothing(certs: CertificateApi) -> None:
    certs.login(MEMBER)
    assert call(certs, "GET", at_project("/ca")).status_code == 200
    rules = {"projectId": PROJECT, "name": "p"} | policy()
    refused = call(certs, "POST", "/certificate-policies", rules).json()
    assert refused["message"] == "You are not allowed to create on certificate-policies"
    certs.login(ADMIN)


def test_without_a_token_nothing_is_told(certs: CertificateApi) -> None:
    assert certs.http.get(f"{BASE}/{UNKNOWN}").status_code == 401
