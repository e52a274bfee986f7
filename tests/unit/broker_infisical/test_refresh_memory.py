"""What a refresh remembers of its last listing: the cache's own values, and only those."""

from psi.broker.cache import CacheKey, MemoryCache
from psi.broker.infisical.listing import Entry, Etag, Listing
from psi.broker.refresh_memory import RefreshMemory
from psi.shared.projection import Project, Source
from psi.shared.secret import SecretBytes
from tests.unit.broker_infisical.setting import HandClock

PROJECT = Project(id="3f2b8c1e", environment="prod")
SOURCE = Source(project="myproject", path="/app")
KEY = CacheKey("3f2b8c1e", "prod", "/app", "KEY")
TAG = Etag("v4", '"tag"')


class Scene:
    def __init__(self) -> None:
        self.cache = MemoryCache(HandClock())
        self.memory = RefreshMemory(self.cache)

    def note(self, value: bytes | None = b"value", etag: Etag | None = TAG) -> Entry:
        """Keep a value and remember its listing, as a refresh does."""
        problem = None if value is not None else "it is masked"
        entry = Entry("KEY", "/app", None if value is None else SecretBytes(value), problem)
        if entry.value is not None:
            self.cache.put(KEY, entry.value)
        self.memory.note(SOURCE, Listing((entry,), etag), PROJECT)
        return entry


def test_a_listing_with_its_tag_is_known_again() -> None:
    scene = Scene()
    entry = scene.note()
    assert scene.memory.known(SOURCE) == Listing((entry,), TAG)


def test_another_source_is_not_known() -> None:
    scene = Scene()
    scene.note()
    assert scene.memory.known(Source(project="myproject", path="/app", recursive=True)) is None


def test_a_listing_without_a_tag_is_not_remembered_and_ends_the_one_before() -> None:
    scene = Scene()
    scene.note()
    scene.note(etag=None)
    assert scene.memory.known(SOURCE) is None


def test_what_the_cache_has_lost_is_asked_for_in_full() -> None:
    scene = Scene()
    scene.note()
    scene.cache.remove([KEY])
    assert scene.memory.known(SOURCE) is None
    scene.cache.put(KEY, SecretBytes(b"value"))
    assert scene.memory.known(SOURCE) is None, "it is forgotten for good"


def test_what_a_lookup_has_changed_meanwhile_is_asked_for_in_full() -> None:
    scene = Scene()
    scene.note()
    scene.cache.put(KEY, SecretBytes(b"newer"))
    assert scene.memory.known(SOURCE) is None


def test_no_value_is_held_twice() -> None:
    scene = Scene()
    scene.cache.put(KEY, SecretBytes(b"value"))
    scene.note()
    known, kept = scene.memory.known(SOURCE), scene.cache.entry(KEY)
    assert known is not None
    assert kept is not None
    assert known.entries[0].value is kept.value


def test_a_value_that_cannot_be_kept_is_remembered_as_its_problem() -> None:
    scene = Scene()
    scene.note(None)
    known = scene.memory.known(SOURCE)
    assert known is not None
    assert known.entries[0].problem == "it is masked"
