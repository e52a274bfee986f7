"""What Infisical does with written values, names and bodies beyond the recordings."""

import pytest

from tests.unit.fakes_infisical.api import LOGIN, Api


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  padded  ", "padded"),
        ("two\n\n", "two\n"),
        ("\n", "\n"),
        ("a\r\n", "a\n"),
        ("\x1c", "\x1c"),
        ("\ufeffbom", "bom"),
        ("in ner", "in ner"),
    ],
)
def test_values_are_trimmed_but_for_one_newline(api: Api, sent: str, kept: str) -> None:
    assert api.send("POST", "/NEW", secretValue=sent).status_code == 200
    assert api.values()["NEW"] == kept


@pytest.mark.parametrize("name", ["a%2Fb", "a%3Ab", "%20"])
def test_bad_names_are_refused_with_422(api: Api, name: str) -> None:
    answer = api.send("POST", f"/{name}", secretValue="v")
    assert (answer.status_code, answer.json()["error"]) == (422, "ValidationFailure")


def test_a_name_of_100_characters_is_found_and_one_of_101_is_no_route(api: Api) -> None:
    secrets = [{"secretKey": "K" * size, "secretValue": "v"} for size in (100, 101)]
    assert api.send("POST", "/batch", secrets=secrets).status_code == 200
    assert api.get("/" + "K" * 100).status_code == 200
    refused = api.get("/" + "K" * 101)
    assert (refused.status_code, "reqId" in refused.json()) == (404, False)


def test_a_body_over_one_mebibyte_is_500_and_closes(api: Api) -> None:
    answer = api.send("POST", "/BIG", secretValue="x" * 1_048_576)
    assert (answer.status_code, answer.json()["message"]) == (500, "Something went wrong")
    assert answer.headers["connection"] == "close"


def test_a_value_of_900_kibibytes_is_fine(api: Api) -> None:
    assert api.send("POST", "/BIG", secretValue="x" * 921_600).status_code == 200
    assert len(api.values()["BIG"]) == 921_600


def test_an_empty_json_body_is_500(api: Api) -> None:
    answer = api.http.post(LOGIN, content=b"", headers={"content-type": "application/json"})
    assert answer.status_code == 500


def test_no_body_at_all_is_422(api: Api) -> None:
    answer = api.http.post(LOGIN)
    assert answer.status_code == 422
    assert answer.json()["message"][0]["received"] == "null"


def test_patch_answers_empty_for_what_was_not_sent_and_keeps_it(api: Api) -> None:
    answer = api.send("PATCH", "/KEY", secretComment="note").json()["secret"]
    assert (answer["secretValue"], answer["version"]) == ("", 2)
    assert api.values()["KEY"] == "value"


def test_batch_modes(api: Api) -> None:
    new = [{"secretKey": "NEW", "secretValue": "n"}]
    assert api.send("PATCH", "/batch", secrets=new).status_code == 404
    assert api.send("PATCH", "/batch", secrets=new, mode="ignore").json() == {"secrets": []}
    made = api.send("PATCH", "/batch", secrets=new, mode="upsert").json()["secrets"]
    assert [one["version"] for one in made] == [1]


def test_batch_delete(api: Api) -> None:
    assert api.send("DELETE", "/batch", secrets=[{"secretKey": "NOPE"}]).status_code == 404
    gone = api.send("DELETE", "/batch", secrets=[{"secretKey": "KEY"}]).json()["secrets"]
    assert [one["secretKey"] for one in gone] == ["KEY"]
    assert api.values() == {}
