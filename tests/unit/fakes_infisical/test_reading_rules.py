"""Masking, conditional requests, references and imports beyond the recordings."""

import pytest

from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import Seed
from tests.unit.fakes_infisical.api import Api, simple_seed


def test_masked_values(api: Api) -> None:
    shown = api.get(viewSecretValue="false").json()["secrets"][0]
    assert (shown["secretValue"], shown["secretValueHidden"]) == ("<hidden-by-infisical>", True)
    assert api.get("/KEY", viewSecretValue="false").json()["secret"]["secretValueHidden"] is True


def test_a_weak_if_none_match_works_and_lists_do_not(api: Api) -> None:
    etag = api.get().headers["etag"]
    assert api.get(headers={"if-none-match": f"W/{etag}"}).status_code == 304
    assert api.get(headers={"if-none-match": f'{etag}, "x"'}).status_code == 200
    assert api.get(headers={"if-none-match": "*"}).status_code == 200


def test_the_etag_changes_with_a_value(api: Api, stand_in: StandIn) -> None:
    etag = api.get().headers["etag"]
    stand_in.set_secret("myproject", "prod", "/myapp", "KEY", "other")
    answer = api.get(headers={"if-none-match": etag})
    assert (answer.status_code, answer.headers["etag"] == etag) == (200, False)


class TestReferences:
    @pytest.fixture
    def seed(self) -> Seed:
        seed = simple_seed()
        project = seed.projects[0]
        project.secrets_at("prod", "/myapp", REF="${KEY}+${prod.base.B}", BAD="<${NOPE}>")
        project.secrets_at("prod", "/myapp", LOOP="${LOOP}")
        project.secrets_at("prod", "/base", B="b", BAD="<${NOPE}>", KEY="base", LOCAL="${B}")
        project.secrets_at("prod", "/more", KEY="more")
        for origin in ("/base", "/more"):
            project.imports_from("prod", "/myapp", "prod", origin)
            project.imports_from("prod", "/empty", "prod", origin)
        return seed

    def test_they_are_expanded_and_lead_to_nothing_silently(self, api: Api) -> None:
        values = api.values()
        assert (values["REF"], values["BAD"], values["LOOP"]) == ("value+b", "<>", "")

    def test_they_stay_when_expansion_is_refused(self, api: Api) -> None:
        assert api.values(expandSecretReferences="false")["REF"] == "${KEY}+${prod.base.B}"

    def test_imports_are_expanded_always_and_stay_literal_when_unresolvable(self, api: Api) -> None:
        first = api.get(expandSecretReferences="false").json()["imports"][0]
        values = {one["secretKey"]: one["secretValue"] for one in first["secrets"]}
        assert (values["LOCAL"], values["BAD"]) == ("b", "<${NOPE}>")

    def test_of_two_imports_the_last_wins(self, api: Api) -> None:
        one = api.get("/KEY", secretPath="/empty").json()["secret"]
        assert (one["secretValue"], one["secretPath"]) == ("more", "/more")

    def test_no_import_without_the_flag(self, api: Api) -> None:
        assert api.get("/KEY", secretPath="/empty", includeImports="false").status_code == 404
