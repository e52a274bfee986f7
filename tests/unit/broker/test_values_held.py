"""What a boot counts as held: a value in memory that a lookup may have."""

from psi.broker.cache import CacheKey
from psi.broker.mapping import SealedName
from psi.shared.secret import SecretBytes
from tests.unit.broker.chain import PROJECT_ID
from tests.unit.broker.test_values import Scene, at

VALUE = SecretBytes(b"value")


def keep(scene: Scene, path: str, key: str) -> None:
    scene.cache.put(CacheKey(PROJECT_ID, "prod", path, key), VALUE)


def test_a_value_in_memory_is_held() -> None:
    scene = Scene()
    assert not scene.values.holds(at("KEY_1"))
    keep(scene, "/myapp", "KEY_1")
    assert scene.values.holds(at("KEY_1"))


def test_one_that_no_lookup_may_have_is_not() -> None:
    scene = Scene()
    for path, key in (("/other", "K"), ("/other", "SECOND")):
        keep(scene, path, key)
    assert scene.values.holds(at("K", "/other")), "allow names it"
    assert not scene.values.holds(at("SECOND", "/other"))


def test_without_a_cache_nothing_is_held() -> None:
    scene = Scene("none")
    keep(scene, "/myapp", "KEY_1")
    assert not scene.values.holds(at("KEY_1"))


def test_a_sealed_secret_that_is_not_opened_is_not_held() -> None:
    assert not Scene().values.holds(SealedName("NAME"))
