"""The instance that was recorded, as it was before the first recording."""

from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed

PROJECT = "a91c82f8-6951-416a-a010-9d70fd209b15"
CERTIFICATES_PROJECT = "b0168e7b-5511-4379-9672-7bfecf663c8d"
PROFILE = "d4a9e33f-a79d-41d7-9e93-d73e940a5055"
ADMIN = "5d71762e-b0c0-43ba-b30b-dc7b30226fd3"
LOCKED = "2a4edc62-f423-4dda-af03-8fb4d76f590d"
SHORT = "3bf2ab8f-66d8-413f-8561-734b38da898f"
VIEWER = "00000000-0000-4000-8000-0000000000a1"
OUTSIDER = "00000000-0000-4000-8000-0000000000a2"
MEMBER = "00000000-0000-4000-8000-0000000000a3"
SECRETS = {
    ADMIN: "89fe91d872e549bedc1d726c931cb3bdf1471147dc1513018d51367f438e63f2",
    LOCKED: "9603009f989f57d6c997b4d62e1a334154d9df8286bb564afc8987ea0ce464b5",
    SHORT: "b54b9867183dc76bc01eca5a08763e749126518e3d44559340431e161634ac7c",
    VIEWER: "viewer-secret",
    OUTSIDER: "outsider-secret",
    MEMBER: "member-secret",
}


def seed() -> Seed:
    """Return the instance as it was before the first recording."""
    identities = [
        IdentitySeed(ADMIN, SECRETS[ADMIN], "ci-admin", "admin"),
        IdentitySeed(LOCKED, SECRETS[LOCKED], "to-be-locked", "none"),
        IdentitySeed(SHORT, SECRETS[SHORT], "short-lived", "admin", ttl=20, max_ttl=60),
        IdentitySeed(VIEWER, SECRETS[VIEWER], "viewer", "viewer"),
        IdentitySeed(OUTSIDER, SECRETS[OUTSIDER], "outsider", "none"),
        IdentitySeed(MEMBER, SECRETS[MEMBER], "member", "none"),
    ]
    three = ["dev", "staging", "prod"]
    certificates = ProjectSeed(CERTIFICATES_PROJECT, "lab-certs", "lab-certs", three)
    certificates.type, certificates.members = "cert-manager", {MEMBER: "member"}
    secrets = ProjectSeed(PROJECT, "lab-secrets", "lab-secrets", [*three, "qa"])
    return Seed(identities, [secrets, certificates])
