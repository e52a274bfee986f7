"""A project with every kind of value, key, import and tree, and ways to read it once."""

from psi.broker.infisical.listing import Entry, Listing
from psi.shared.secret import MAX_SECRET_BYTES
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    CLIENT_SECRET,
    PROJECT_ID,
    Setting,
    config,
)

LONG_KEY = "K" * 101
ODD_KEYS = ["has space", "q?a=b&c#d", "100%", "%41", "ž", "..", ".", "K" * 100, "ž" * 20, "+"]
EXACT = {"CRLF": "a\r\nb\n", "NUL": "a\0b", "QUOTES": "'\"`$(id)\\", "ONE": "x", "UNI": "žluť €"}


def full_seed() -> Seed:
    project = ProjectSeed(PROJECT_ID, "myproject")
    project.secrets_at("prod", "/values", MASKED="<hidden-by-infisical>", EMPTY="", **EXACT)
    project.secret("prod", "/values", "LIMIT", "x" * MAX_SECRET_BYTES)
    project.secret("prod", "/values", "LARGE", "x" * (MAX_SECRET_BYTES + 1))
    project.secret("prod", "/values", "WIDE", "ž" * 256_000)
    for key in [*ODD_KEYS, LONG_KEY]:
        project.secret("prod", "/odd", key, f"value of {key}")
    project.secrets_at("prod", "/main", SAME="direct", OWN="own")
    project.secrets_at("prod", "/first", SAME="first", TWICE="first", FIRST="first")
    project.secrets_at("prod", "/second", SAME="second", TWICE="second", SECOND="second")
    project.imports_from("prod", "/main", "prod", "/first")
    project.imports_from("prod", "/main", "prod", "/second")
    project.secrets_at("prod", "/tree", KEY="top", TOP="top")
    project.secrets_at("prod", "/tree/a", KEY="a")
    project.secrets_at("prod", "/tree/a/b", DEEP="b")
    project.secrets_at("prod", "/treetop", OUTSIDE="outside")
    project.secrets_at("prod", "/wood", OAK="oak", FIRST="own")
    project.secrets_at("prod", "/wood/a", ASH="ash")
    project.secrets_at("prod", "/wood/b", BOX="box")
    project.secrets_at("prod", "/lent/root", AT_ROOT="root")
    project.secrets_at("prod", "/lent/a", AT_A="a", AT_BOTH="both")
    project.secrets_at("prod", "/lent/b", AT_EMPTY="empty")
    project.imports_from("prod", "/wood", "prod", "/lent/root")
    project.imports_from("prod", "/wood/a", "prod", "/lent/a")
    project.imports_from("prod", "/wood/a", "prod", "/first")
    project.imports_from("prod", "/wood/b", "prod", "/lent/a")
    project.imports_from("prod", "/wood/empty", "prod", "/lent/b")
    project.secrets_at("dev", "/values", ONE="of dev")
    return Seed([IdentitySeed(CLIENT_ID, CLIENT_SECRET)], [project])


async def list_once(
    stand_in: StandIn, setting: Setting, path: str, *, recursive: bool = False
) -> Listing:
    async with setting.client(config(stand_in.url)) as client:
        return await client.list_folder("myproject", None, path, recursive=recursive)


def shown(entry: Entry) -> str:
    if entry.value is not None:
        assert entry.problem is None
        return entry.value.reveal().decode()
    assert entry.problem is not None
    return entry.problem


async def get_once(stand_in: StandIn, setting: Setting, path: str, key: str) -> str:
    async with setting.client(config(stand_in.url)) as client:
        return (await client.get_secret("myproject", None, path, key)).reveal().decode()
