"""The official JavaScript client, on the Node.js that npm itself brings, against the stand-in."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed

PACKAGES = ["node@20", "@infisical/sdk@5.0.2"]
INSTALL_SECONDS = 300
"""Some 200 MB from the registry, of which npm keeps a copy for the next time."""
RUN_SECONDS = 60
SCRIPT = Path(__file__).with_name("infisical_sdk.mjs")
CLIENT_ID, CLIENT_SECRET = "00000000-0000-4000-8000-0000000000c1", "sdk-secret"
PROJECT_ID = "00000000-0000-4000-8000-0000000000c2"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the client and its Node.js into a folder of their own."""
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text('{"private": true}')
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline", *PACKAGES],
        cwd=folder,
        check=True,
        timeout=INSTALL_SECONDS,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    project = ProjectSeed(PROJECT_ID, "myproject")
    project.secrets_at("prod", "/myapp", DB_HOST="db", DB_URL="postgres://${DB_HOST}/x")
    project.secrets_at("prod", "/shared", SHARED="s")
    project.imports_from("prod", "/myapp", "prod", "/shared")
    with StandIn(Seed([IdentitySeed(CLIENT_ID, CLIENT_SECRET)], [project])) as running:
        yield running


@pytest.fixture(scope="module")
def said(packages: Path, stand_in: StandIn) -> Any:
    """Run the client once; return what it saw."""
    done = subprocess.run(
        [packages / "node_modules/.bin/node", SCRIPT, stand_in.url, PROJECT_ID],
        cwd=packages,
        env={**os.environ, "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET},
        check=False,
        timeout=RUN_SECONDS,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_its_node_is_of_version_20(packages: Path) -> None:
    done = subprocess.run(
        [packages / "node_modules/.bin/node", "--version"],
        check=True,
        timeout=RUN_SECONDS,
        capture_output=True,
    )
    assert done.stdout.startswith(b"v20.")


def test_a_wrong_secret_is_refused_with_the_servers_words(said: Any) -> None:
    assert "Invalid credentials" in said["refused"]


def test_it_lists_with_references_expanded(said: Any) -> None:
    assert said["listed"] == {"DB_HOST": "db", "DB_URL": "postgres://db/x"}


def test_it_lists_imports(said: Any) -> None:
    assert said["merged"] == ["DB_HOST", "DB_URL", "SHARED"]


def test_it_gets_one(said: Any) -> None:
    assert said["got"] == "db"


def test_it_creates_changes_and_deletes(said: Any) -> None:
    assert (said["made"], said["changed"], said["read"]) == (1, [2, "v2"], "v2")
    assert "not found" in said["gone"]
