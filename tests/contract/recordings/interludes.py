"""What happened between the recordings, and who made the calls."""

from collections.abc import Callable
from urllib.parse import urlencode

from tests.contract.recordings.recorded_instance import (
    ADMIN,
    CERTIFICATES_PROJECT,
    LOCKED,
    MEMBER,
    OUTSIDER,
    PROFILE,
    PROJECT,
    SHORT,
    VIEWER,
)
from tests.contract.recordings.recording import Recording
from tests.contract.recordings.story import Answer, Story

# Whose token a recording was made with, where that is not the administrator's.
CALLERS = {
    "48b": "garbage",
    "48c": "bad signature",
    "70": VIEWER,
    "71": VIEWER,
    "72": OUTSIDER,
    "73": OUTSIDER,
    "83n": MEMBER,
    "91b": "short",
    "92": "short",
    "94b": "revoked",
    "94c": "sibling",
}


def _two_more_failures(story: Story, _: Recording) -> None:
    for _number in range(2):
        story.login(LOCKED, "0" * 64)


def _make_shared_folder(story: Story, _: Recording) -> None:
    body = {"projectId": PROJECT, "environment": "dev", "name": "shared", "path": "/"}
    story.call("POST", "/api/v2/folders", body, story.tokens[ADMIN])


def _bad_tokens(story: Story, _: Recording) -> None:
    good = story.tokens[ADMIN]
    story.tokens["garbage"] = "garbage"
    story.tokens["bad signature"] = good[:-43] + "A" * 43


def _upsert(story: Story, _: Recording) -> None:
    secrets = [
        {"secretKey": "ALPHA", "secretValue": "one-v5"},
        {"secretKey": "UPSERTED", "secretValue": "u"},
    ]
    body = {
        "projectId": PROJECT,
        "environment": "dev",
        "secretPath": "/",
        "mode": "upsert",
        "secrets": secrets,
    }
    story.call("PATCH", "/api/v4/secrets/batch", body, story.tokens[ADMIN])


def _certificate_to_revoke(story: Story, recording: Recording) -> None:
    name = "to-revoke.lab.invalid"
    attributes = {
        "commonName": name,
        "altNames": [{"type": "dns_name", "value": name}],
        "keyUsages": ["digital_signature"],
        "extendedKeyUsages": ["server_auth"],
        "signatureAlgorithm": "ECDSA-SHA256",
        "keyAlgorithm": "EC_prime256v1",
        "ttl": "7d",
    }
    body = {"profileId": story.comparison.to_answer[PROFILE], "attributes": attributes}
    issued = story.call("POST", "/api/v1/cert-manager/certificates", body, story.tokens[ADMIN])
    recorded = recording.path.split("/")[-2]
    story.comparison.same(recorded, issued["certificate"]["certificateId"])


def _three_seconds_later(story: Story, recording: Recording) -> None:
    story.tokens["short"] = story.comparison.to_answer[recording.request_body["accessToken"]]
    story.advance(3)


def _past_its_expiry(story: Story, _: Recording) -> None:
    story.advance(18)


def _past_the_maximum(story: Story, recording: Recording) -> None:
    """Keep a login's token alive by renewal until its maximum cuts it short, then outlive it."""
    token = story.login(SHORT)
    for _number in range(3):
        story.advance(19)
        token = story.renew(token)
    story.advance(4)
    story.comparison.same(recording.request_body["accessToken"], token)


def _renewed_token(story: Story, recording: Recording) -> None:
    story.tokens["revoked"] = story.login(ADMIN)
    story.tokens["sibling"] = story.renew(story.tokens["revoked"])
    story.comparison.same(recording.request_body["accessToken"], story.tokens["revoked"])


def _switch_limits_on(story: Story, _: Recording) -> None:
    key = {"project": CERTIFICATES_PROJECT, "kms_certificate_key_id": VIEWER}
    story.stand_in.control("POST", "project", key)
    story.stand_in.control("POST", "ratelimit", {"enabled": True})


def _use_up_listings(story: Story, recording: Recording) -> None:
    headers = {"authorization": f"Bearer {story.tokens[ADMIN]}"}
    for _number in range(39):
        story.send("GET", f"{recording.path}?{urlencode(recording.query)}", headers, None)


def _use_up_logins(story: Story, _: Recording) -> None:
    for _number in range(199):
        story.call("POST", "/api/v1/auth/universal-auth/login", {})
    story.advance(1)


_BEFORE: dict[str, Callable[[Story, Recording], None]] = {
    "17": _two_more_failures,
    "30": _make_shared_folder,
    "48b": _bad_tokens,
    "63": _upsert,
    "86": _certificate_to_revoke,
    "91": _three_seconds_later,
    "92": _past_its_expiry,
    "93": _past_the_maximum,
    "94": _renewed_token,
    "A0": _switch_limits_on,
    "A2": _use_up_listings,
    "A5": _use_up_logins,
}


def replay(story: Story, recording: Recording) -> Answer:
    """Bring the recording's state about, then send its request."""
    prepare = _BEFORE.get(recording.number)
    if prepare is not None:
        prepare(story, recording)
    return story.play(recording, CALLERS.get(recording.number, ADMIN))
