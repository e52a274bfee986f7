"""``cache`` and ``sealer``: what is built, what is not, and who is told."""

import pytest

from psictl.config.model import Cache, Pkcs11, Tpm
from tests.unit.config.conftest import Check, Read

TOKEN = "module: /usr/lib/p11.so, token_label: t, key_label: k"


@pytest.mark.parametrize(
    "text", ["{}\n", "cache: {enabled: true}", "cache: {enabled: false, backend: memory}"]
)
def test_without_a_backend_nothing_is_kept(read: Read, text: str) -> None:
    assert read(text).cache.backend == "none"


def test_memory_is_kept(read: Read, notices: Check) -> None:
    assert read("cache: {backend: memory}").cache == Cache(backend="memory")
    assert notices("cache: {backend: memory}") == []


@pytest.mark.parametrize("backend", ["tpm", "hsm", "software"])
def test_a_backend_that_is_not_built_is_an_error(errors: Check, backend: str) -> None:
    (told,) = errors(f"cache: {{backend: {backend}}}")
    assert told.startswith(f"1: cache.backend: the backend {backend} is not built yet; use memory")


def test_a_backend_that_is_switched_off_is_none(errors: Check, read: Read) -> None:
    assert errors("cache: {enabled: false, backend: tpm}") == []
    assert read("cache: {enabled: false, backend: tpm}").cache.backend == "none"


def test_an_unknown_backend_is_refused(errors: Check) -> None:
    assert len(errors("cache: {backend: redis}")) == 1


def test_times_are_checked_and_noted(read: Read, notices: Check) -> None:
    text = "cache: {refresh_interval: 1h, refresh_randomized_delay: 5m, max_stale: 7d}"
    assert read(text).cache == Cache("none", 3600, 300, 7 * 86_400)
    assert "not served yet" in notices(text)[0]


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


def test_the_sealer_is_checked_and_noted(read: Read, notices: Check) -> None:
    text = f"sealer: {{hold: per-operation, tpm: {{pcrs: [0, 7]}}, pkcs11: {{{TOKEN}}}}}"
    sealer = read(text).sealer
    assert sealer is not None
    assert sealer.hold == "per-operation"
    assert sealer.tpm == Tpm("/dev/tpmrm0", (0, 7))
    assert sealer.pkcs11 == Pkcs11("/usr/lib/p11.so", "t", "k", "hsm-pin")
    assert "the sealer is not served yet" in notices(text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "{hold: never}",
        "{tpm: {pcrs: [24]}}",
        "{tpm: {pcrs: [7, 7]}}",
        "{tpm: {device: tpm0}}",
        "{pkcs11: {token_label: t, key_label: k}}",
        f"{{pkcs11: {{{TOKEN}, pin: '1234'}}}}",
        f"{{pkcs11: {{{TOKEN}, slot: 0}}}}",
        f"{{pkcs11: {{{TOKEN}, pin_credential: ../x}}}}",
    ],
)
def test_refused_in_sealer(errors: Check, text: str) -> None:
    assert len(errors(f"sealer: {text}")) == 1
