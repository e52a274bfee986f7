"""``cache``: which backends there are, and who is told."""

import pytest

from psictl.config.model import Cache
from tests.unit.config.conftest import Check, Read


@pytest.mark.parametrize(
    "text", ["{}\n", "cache: {enabled: true}", "cache: {enabled: false, backend: memory}"]
)
def test_without_a_backend_nothing_is_kept(read: Read, text: str) -> None:
    assert read(text).cache.backend == "none"


def test_memory_is_kept(read: Read, notices: Check) -> None:
    assert read("cache: {backend: memory}").cache == Cache(backend="memory")
    assert notices("cache: {backend: memory}") == []


@pytest.mark.parametrize("backend", ["tpm", "memory", "software"])
def test_a_backend_is_taken(read: Read, backend: str) -> None:
    assert read(f"cache: {{backend: {backend}}}").cache.backend == backend


def test_the_software_backend_is_loud(notices: Check) -> None:
    (told,) = notices("cache: {backend: software}")
    assert "protects nothing" in told


def test_a_backend_that_is_switched_off_is_none(errors: Check, read: Read) -> None:
    assert errors("cache: {enabled: false, backend: tpm}") == []
    assert read("cache: {enabled: false, backend: tpm}").cache.backend == "none"


def test_an_unknown_backend_is_refused(errors: Check) -> None:
    assert len(errors("cache: {backend: redis}")) == 1


def test_times_are_checked(read: Read) -> None:
    text = "cache: {refresh_interval: 1h, refresh_randomized_delay: 5m, max_stale: 7d}"
    assert read(text).cache == Cache("none", 3600, 300, 7 * 86_400)


def test_times_bring_no_notice(notices: Check) -> None:
    assert notices("cache: {backend: memory, refresh_interval: 1h, max_stale: 7d}") == []


def test_max_stale_may_be_null(read: Read) -> None:
    assert read("cache: {max_stale: null}").cache.max_stale is None


@pytest.mark.parametrize(
    "text",
    [
        "{refresh_interval: 1s}",
        "{refresh_randomized_delay: 2d}",
        "{max_stale: never}",
        "{path: /var/lib/psi/cache.enc}",
    ],
)
def test_refused_in_cache(errors: Check, text: str) -> None:
    assert len(errors(f"cache: {text}")) == 1
