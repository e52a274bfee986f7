"""The official Python client works against the stand-in."""

from collections.abc import Iterator
from typing import Any

import pytest
from infisical_sdk import InfisicalSDKClient  # type: ignore[import-untyped]  # ships no types
from infisical_sdk.infisical_requests import (  # type: ignore[import-untyped]  # ships no types
    APIError,
)

from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed

CLIENT_ID, CLIENT_SECRET = "00000000-0000-4000-8000-0000000000b1", "sdk-secret"
PROJECT_ID = "00000000-0000-4000-8000-0000000000b2"
AT = {"environment_slug": "prod", "secret_path": "/myapp", "project_id": PROJECT_ID}


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    project = ProjectSeed(PROJECT_ID, "myproject")
    project.secrets_at("prod", "/myapp", DB_HOST="db", DB_URL="postgres://${DB_HOST}/x")
    project.secrets_at("prod", "/shared", SHARED="s")
    project.imports_from("prod", "/myapp", "prod", "/shared")
    with StandIn(Seed([IdentitySeed(CLIENT_ID, CLIENT_SECRET)], [project])) as running:
        yield running


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[Any]:
    """Give a client that is logged in and keeps nothing, so that each call is a request."""
    with InfisicalSDKClient(host=stand_in.url, cache_ttl=None) as sdk:
        login = sdk.auth.universal_auth.login(CLIENT_ID, CLIENT_SECRET)
        assert (login.tokenType, login.expiresIn) == ("Bearer", 2_592_000)
        yield sdk


def test_a_wrong_secret_is_refused(stand_in: StandIn) -> None:
    with (
        InfisicalSDKClient(host=stand_in.url, cache_ttl=None) as sdk,
        pytest.raises(APIError, match=r"Invalid credentials \(Status: 401\)"),
    ):
        sdk.auth.universal_auth.login(CLIENT_ID, "wrong")


def test_list_gives_secrets_and_imports(client: Any) -> None:
    listed = client.secrets.list_secrets(**AT)
    assert {one.secretKey: one.secretValue for one in listed.secrets} == {
        "DB_HOST": "db",
        "DB_URL": "postgres://db/x",
    }
    assert [one.secretPath for one in listed.imports] == ["/shared"]


def test_list_by_project_slug(client: Any) -> None:
    by_slug = AT | {"project_id": None, "project_slug": "myproject"}
    assert len(client.secrets.list_secrets(**by_slug).secrets) == 2


def test_get_one_and_get_through_an_import(client: Any) -> None:
    assert client.secrets.get_secret_by_name("DB_URL", **AT).secretValue == "postgres://db/x"
    assert client.secrets.get_secret_by_name("SHARED", **AT).secretPath == "/shared"


def test_get_of_a_missing_secret_is_404(client: Any) -> None:
    with pytest.raises(APIError, match=r"'NOPE' not found \(Status: 404\)"):
        client.secrets.get_secret_by_name("NOPE", **AT)


def test_create_update_and_delete(client: Any) -> None:
    made = client.secrets.create_secret_by_name("NEW", secret_value=" v1 ", **AT)
    assert (made.version, made.secretValue) == (1, "v1")
    changed = client.secrets.update_secret_by_name(
        "NEW", secret_value="v2", new_secret_name="NEWER", **AT
    )
    assert (changed.version, changed.secretKey) == (2, "NEWER")
    assert client.secrets.get_secret_by_name("NEWER", **AT).secretValue == "v2"
    assert client.secrets.delete_secret_by_name("NEWER", **AT).secretKey == "NEWER"
    with pytest.raises(APIError, match="404"):
        client.secrets.get_secret_by_name("NEWER", **AT)


def test_folders(client: Any) -> None:
    made = client.folders.create_folder(
        name="web", environment_slug="prod", project_id=PROJECT_ID, path="/myapp"
    )
    assert made.path == "/myapp/web"
    listed = client.folders.list_folders(
        project_id=PROJECT_ID, environment_slug="prod", path="/myapp"
    )
    assert [one.name for one in listed.folders] == ["web"]
