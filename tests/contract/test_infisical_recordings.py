"""The stand-in Infisical answers as the recorded real server did."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.recordings.comparison import Comparison
from tests.contract.recordings.interludes import replay
from tests.contract.recordings.recorded_instance import seed
from tests.contract.recordings.recording import FOLDER, Recording, all_recordings
from tests.contract.recordings.story import Answer, Story
from tests.fakes.infisical.process import StandIn

# These belong to certificates: the stand-in has no certificate authority.
CERTIFICATES = [
    "80-ca-create-internal-root",
    "81-certificate-policy-create",
    "82-certificate-profile-create",
    "83-certificate-issue",
    "83b-certificate-issue-csr",
    "83c-certificate-issue-ttl-too-long",
    "83d-certificate-issue-no-attributes",
    "83e-certificate-issue-unknown-profile",
    "83f-certificate-issue-profile-not-uuid",
    "83g-certificate-issue-bad-csr",
    "83h-certificate-issue-csr-literal-newlines",
    "83i-certificate-issue-default-ttl",
    "83j-certificate-issue-disallowed-eku",
    "83k-certificate-issue-ip-san-not-in-policy",
    "83m-certificate-issue-remove-roots",
    "83n-certificate-issue-as-member",
    "84-certificate-renew",
    "84b-certificate-renew-same-again",
    "84c-certificate-renew-csr-issued",
    "84d-certificate-renew-unknown",
    "84e-certificate-renew-no-body",
    "84f-certificate-renew-by-serial",
    "84g-renewed-certificate-private-key",
    "84i-renew-certificate-request",
    "85-certificate-get",
    "85b-certificate-body",
    "85c-certificate-bundle",
    "85d-certificate-private-key",
    "85e-certificate-request",
    "85f-certificate-get-by-serial",
    "86-certificate-revoke",
    "86b-certificate-revoke-again",
    "86c-certificate-renew-revoked",
    "87-ca-list",
    "87b-ca-certificates",
    "88-profile-list",
    "88b-profile-by-slug",
    "89-legacy-pki-issue",
]

RECORDINGS = all_recordings()
REPLAYED = [one for one in RECORDINGS if one.name not in CERTIFICATES]

# Batch answers come in an order of their own; a recursive listing orders by key alone.
_BATCHES = re.compile(r"\A/api/v4/secrets/batch\Z")


@pytest.fixture(scope="module")
def differences() -> Iterator[dict[str, list[str]]]:
    """Replay everything once; give what differed, by recording."""
    with StandIn(seed()) as stand_in:
        story = Story(stand_in)
        yield {one.name: _compare(story.comparison, one, replay(story, one)) for one in REPLAYED}


def _compare(comparison: Comparison, recording: Recording, answer: Answer) -> list[str]:
    found = []
    if (answer.status, answer.reason) != (recording.status, recording.reason):
        found.append(
            f"status: recorded {recording.status} {recording.reason}, "
            f"answered {answer.status} {answer.reason}"
        )
    if answer.headers.get("content-length") != str(len(answer.body)):
        found.append("headers.content-length: is not the body's length")
    body = json.loads(answer.body) if answer.body else ""
    found += _order_differences(recording, body)
    found += comparison.differences(_ordered(recording.response_body), _ordered(body))
    return found + comparison.headers(recording.response_headers, answer.headers)


def _order_differences(recording: Recording, body: Any) -> list[str]:
    if _BATCHES.match(recording.path) or "secrets" not in recording.response_body or not body:
        return []
    ours, theirs = (
        [one["secretKey"] for one in answer.get("secrets", [])]
        for answer in (recording.response_body, body)
    )
    return [] if ours == theirs else [f"$.secrets: recorded the order {ours}, answered {theirs}"]


def _ordered(body: Any) -> Any:
    """Return a body with its secrets in the order of key and path."""
    if not isinstance(body, dict) or not isinstance(body.get("secrets"), list):
        return body
    return body | {"secrets": sorted(body["secrets"], key=_key_and_path)}


def _key_and_path(secret: Any) -> tuple[str, str]:
    return secret["secretKey"], secret.get("secretPath", "")


@pytest.mark.parametrize("name", [one.name for one in REPLAYED])
def test_the_stand_in_answers_as_recorded(differences: dict[str, list[str]], name: str) -> None:
    assert not differences[name], "\n" + "\n".join(differences[name])


def test_only_recordings_of_certificates_are_left_out() -> None:
    assert sorted(CERTIFICATES) == [one.name for one in RECORDINGS if one.is_of_certificates]


def test_every_recording_is_there_and_in_the_readme() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+\.json) \|", readme, re.MULTILINE)
    assert [f"{one.name}.json" for one in RECORDINGS] == sorted(rows)
    assert len(RECORDINGS) == 134


def test_each_kind_of_difference_is_found_and_named() -> None:
    comparison = Comparison()
    recorded = {"a": 1, "b": "x", "c": [1, 2], "d": {"e": "req-abcdefghijklmn"}, "g": None}
    answered = {"a": True, "b": "y", "c": [1], "d": {"e": "req-short"}, "f": 1}
    assert [one.partition(":")[0] for one in comparison.differences(recorded, answered)] == [
        "$.a",
        "$.b",
        "$.c",
        "$.d.e",
        "$.f",
        "$.g",
    ]


def test_one_recorded_id_stands_for_one_id() -> None:
    comparison = Comparison()
    one, two = "107678b7-ade9-43f2-8a4f-22333d98f3ba", "98631620-7686-43bd-8b0a-3dab6aa3e74e"
    assert comparison.differences([one, one], [two, two]) == []
    assert comparison.differences({"id": one}, {"id": one}) != []
    assert comparison.differences({"id": two}, {"id": two}) != []
