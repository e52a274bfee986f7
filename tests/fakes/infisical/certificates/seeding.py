"""Builds authorities and profiles from a seed."""

from typing import Any

from tests.fakes.infisical.certificates.authorities import seeded
from tests.fakes.infisical.certificates.model import Policy, Profile
from tests.fakes.infisical.certificates.seed import profile_id
from tests.fakes.infisical.certificates.store import CertificateStore
from tests.fakes.infisical.ids import stable_id


def load(store: CertificateStore, project: dict[str, Any], now: int) -> None:
    """Put a seeded project's authorities and profiles into the store.

    Raises:
        ValueError: for an authority that does not exist, or not yet.

    """
    for entry in project.get("authorities", []):
        parent = entry.get("parent")
        above = store.authority_named(parent) if parent is not None else None
        authority = seeded(project["id"], entry, above)
        store.authorities[authority.id] = authority
    for entry in project.get("profiles", []):
        profile = _profile(store, project["id"], entry, now)
        store.profiles[profile.id] = profile


def _profile(store: CertificateStore, project_id: str, entry: dict[str, Any], now: int) -> Profile:
    slug = entry["slug"]
    name = f"{slug}-policy"
    rules = Policy(stable_id("policy", project_id, slug), project_id, name, entry["policy"], now)
    store.policies[rules.id] = rules
    return Profile(
        id=profile_id(project_id, slug),
        project_id=project_id,
        slug=slug,
        authority=store.authority_named(entry["authority"]),
        policy=rules,
        api_config_id=stable_id("api-config", project_id, slug),
        api_config={"autoRenew": False},
        defaults=entry.get("defaults"),
        created_at=now,
        waits_with=entry.get("waits_with"),
    )
