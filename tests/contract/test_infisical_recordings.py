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

RECORDINGS = all_recordings()

# Batch answers come in an order of their own; a recursive listing orders by key alone.
_BATCHES = re.compile(r"\A/api/v4/secrets/batch\Z")


@pytest.fixture(scope="module")
def differences() -> Iterator[dict[str, list[str]]]:
    """Replay everything once; give what differed, by recording."""
    with StandIn(seed()) as stand_in:
        story = Story(stand_in)
        yield {one.name: _compare(story.comparison, one, replay(story, one)) for one in RECORDINGS}


def _compare(comparison: Comparison, recording: Recording, answer: Answer) -> list[str]:
    found = []
    if (answer.status, answer.reason) != (recording.status, recording.reason):
        found.append(
            f"status: recorded {recording.status} {recording.reason}, "
            f"answered {answer.status} {answer.reason}"
        )
    if answer.headers.get("content-length") != str(len(answer.body)):
        found.append("headers.content-length: is not the body's length")
    body = _parsed(answer)
    found += _order_differences(recording, body)
    found += comparison.differences(_ordered(recording.response_body), _ordered(body))
    return found + comparison.headers(recording.response_headers, answer.headers)


def _parsed(answer: Answer) -> Any:
    if answer.headers.get("content-type", "").startswith("text/plain"):
        return answer.body.decode()
    return json.loads(answer.body) if answer.body else ""


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


@pytest.mark.parametrize("name", [one.name for one in RECORDINGS])
def test_the_stand_in_answers_as_recorded(differences: dict[str, list[str]], name: str) -> None:
    assert not differences[name], "\n" + "\n".join(differences[name])


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


ISSUED = next(one for one in RECORDINGS if one.name == "83-certificate-issue")
LEAF: str = ISSUED.response_body["certificate"]["certificate"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param(LEAF + "\n", "$: other text", id="a newline"),
        pytest.param(f"{LEAF}\n{LEAF}", "$: recorded", id="a certificate more"),
        pytest.param(LEAF.replace("CERTIFICATE", "NONSENSE"), "$: recorded", id="another block"),
        pytest.param("no PEM", "$: recorded", id="no PEM"),
        pytest.param(
            ISSUED.response_body["certificate"]["issuingCaCertificate"],
            "$<0>.subject: ",
            id="another subject",
        ),
    ],
)
def test_a_difference_between_pem_texts_is_found(text: str, place: str) -> None:
    found = Comparison().differences(LEAF, text)
    assert any(one.startswith(place) for one in found), found
    assert Comparison().differences(LEAF, LEAF) == []
