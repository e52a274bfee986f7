"""The shapes of authorities, policies and profiles, as recorded."""

from typing import Any

from tests.fakes.infisical.certificates.model import Authority, Policy, Profile
from tests.fakes.infisical.certificates.names import written
from tests.fakes.infisical.certificates.signing import serial_text
from tests.fakes.infisical.clock import stamp_of


def authority(one: Authority) -> dict[str, Any]:
    """Return an authority with its configuration."""
    subject, name = one.subject, written(one.subject)
    return {
        "projectId": one.project_id,
        "enableDirectIssuance": False,
        "name": one.name,
        "id": one.id,
        "status": "active",
        "type": "internal",
        "configuration": {
            "type": "root" if one.parent is None else "intermediate",
            "friendlyName": name,
            "commonName": subject.get("commonName", ""),
            "organization": subject.get("organization", ""),
            "ou": subject.get("organizationalUnit", ""),
            "country": subject.get("country", ""),
            "province": subject.get("state", ""),
            "locality": subject.get("locality", ""),
            "notBefore": stamp_of(one.not_before),
            "notAfter": stamp_of(one.not_after),
            "maxPathLength": one.max_path_length,
            "keyAlgorithm": one.key_algorithm,
            "dn": name,
            "parentCaId": one.parent.id if one.parent is not None else None,
            "serialNumber": serial_text(one.certificate.serial_number),
            "activeCaCertId": one.certificate_id,
            "crlDistributionPointUrls": [],
            "disableManagedCrlDistributionPointUrl": False,
        },
    }


def policy(one: Policy) -> dict[str, Any]:
    """Return a policy with its rules as they were sent."""
    return {
        "id": one.id,
        "projectId": one.project_id,
        "name": one.name,
        "description": None,
        **one.rules,
        "createdAt": stamp_of(one.created_at),
        "updatedAt": stamp_of(one.created_at),
    }


def profile(one: Profile) -> dict[str, Any]:
    """Return a profile."""
    return {
        "id": one.id,
        "projectId": one.project_id,
        "caId": one.authority.id,
        "certificatePolicyId": one.policy.id,
        "slug": one.slug,
        "description": None,
        "enrollmentType": "api",
        "estConfigId": None,
        "apiConfigId": one.api_config_id,
        "createdAt": stamp_of(one.created_at),
        "updatedAt": stamp_of(one.created_at),
        "acmeConfigId": None,
        "issuerType": "ca",
        "externalConfigs": None,
        "defaults": one.defaults,
        "scepConfigId": None,
    }


def listed_profile(one: Profile) -> dict[str, Any]:
    """Return a profile as a listing tells it: with its authority and its configuration."""
    return profile(one) | {
        "certificateAuthority": {
            "id": one.authority.id,
            "status": "active",
            "name": one.authority.name,
            "isExternal": False,
            "externalType": None,
        },
        "apiConfig": {"id": one.api_config_id, **one.api_config},
    }
