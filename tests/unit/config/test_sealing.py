"""``sealer``: what reaches the sealer, what a backend needs, and what is not used."""

from pathlib import Path

import pytest

from psi.shared.projection import (
    Pkcs11Options,
    SealerProjection,
    TpmOptions,
    decode_projection,
    encode_projection,
)
from psi.shared.secret import SecretBytes
from psictl.config.projection import broker_projection, credentials, sealer_projection
from tests.unit.config.conftest import Check, Load, Read

HASH = "0" * 64
TOKEN = "module: /usr/lib/p11.so, token_label: t, key_label: k"
BOOT = TpmOptions(tcti="device:/dev/tpmrm0", pcrs=[7], policy="authorized")


def _sealer(load_text: Load, text: str) -> SealerProjection | None:
    config = load_text(text).config
    state = Path("/var/lib/psi-sealer")
    return sealer_projection(config, generation=3, config_sha256=HASH, state_dir=state)


def _sealed(load_text: Load, text: str) -> SealerProjection:
    projection = _sealer(load_text, text)
    assert projection is not None
    return projection


@pytest.mark.parametrize("backend", ["memory", "null"])
def test_a_backend_that_keeps_nothing_at_rest_needs_no_sealer(
    load_text: Load, backend: str
) -> None:
    assert _sealer(load_text, f"cache: {{backend: {backend}}}") is None


def test_a_backend_that_is_switched_off_needs_no_sealer(load_text: Load) -> None:
    assert _sealer(load_text, "cache: {backend: tpm, enabled: false}") is None


def test_without_a_section_the_tpm_is_bound_to_the_boot_state(load_text: Load) -> None:
    projection = _sealed(load_text, "cache: {backend: tpm}")
    assert (projection.backend, projection.hold, projection.tpm) == ("tpm", "open", BOOT)
    assert projection.state_dir == "/var/lib/psi-sealer"
    assert decode_projection(encode_projection(projection), SealerProjection) == projection


@pytest.mark.parametrize(
    ("text", "pcrs", "policy"),
    [
        ("{}", [7], "authorized"),
        ("{pcrs: [0, 7]}", [0, 7], "authorized"),
        ("{pcrs: [4], policy: pcr}", [4], "pcr"),
        ("{policy: pcr}", [7], "pcr"),
        ("{pcrs: []}", [], "none"),
        ("{policy: none}", [], "none"),
        ("{pcrs: [], policy: none}", [], "none"),
    ],
)
def test_the_policy_follows_the_registers(
    load_text: Load, text: str, pcrs: list[int], policy: str
) -> None:
    tpm = _sealed(load_text, f"cache: {{backend: tpm}}\nsealer: {{tpm: {text}}}").tpm
    assert (tpm.pcrs, tpm.policy) == (pcrs, policy)


def test_another_device(load_text: Load) -> None:
    text = "cache: {backend: tpm}\nsealer: {hold: per-operation, tpm: {device: /dev/tpmrm1}}"
    projection = _sealed(load_text, text)
    assert (projection.hold, projection.tpm.tcti) == ("per-operation", "device:/dev/tpmrm1")


def test_a_token(load_text: Load) -> None:
    text = f"cache: {{backend: hsm}}\nsealer: {{pkcs11: {{{TOKEN}, pin_credential: hsm-pin}}}}"
    projection = _sealed(load_text, text)
    assert projection.backend == "pkcs11"
    assert projection.pkcs11 == Pkcs11Options(
        module="/usr/lib/p11.so", token_label="t", key_label="k", pin_credential="hsm-pin"
    )
    assert credentials(projection) == {"hsm-pin"}


def test_a_token_without_a_pin(load_text: Load) -> None:
    text = f"cache: {{backend: hsm}}\nsealer: {{pkcs11: {{{TOKEN}}}}}"
    assert credentials(_sealed(load_text, text)) == frozenset()


def test_a_pin_in_the_file(load_text: Load) -> None:
    text = f"cache: {{backend: hsm}}\nsealer: {{pkcs11: {{{TOKEN}, pin: 0123}}}}"
    token = _sealed(load_text, text).pkcs11
    assert token is not None
    assert token.pin == SecretBytes(b"0123")
    assert "0123" not in repr(load_text(text))


def test_a_pin_in_a_file_of_its_own(load_text: Load, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text("4711\n")
    named = f"pin_file: {tmp_path}/pin"
    text = f"cache: {{backend: hsm}}\nsealer: {{pkcs11: {{{TOKEN}, {named}}}}}"
    token = _sealed(load_text, text).pkcs11
    assert token is not None
    assert token.pin == SecretBytes(b"4711")


def test_the_sealer_gets_no_section_of_another_device(load_text: Load) -> None:
    text = f"cache: {{backend: tpm}}\nsealer: {{pkcs11: {{{TOKEN}, pin: '1'}}}}"
    assert _sealed(load_text, text).pkcs11 is None


def test_the_broker_learns_how_stale_a_value_may_be(load_text: Load) -> None:
    config = load_text("cache: {backend: tpm, max_stale: 7d}").config
    projection = broker_projection(
        config, generation=1, config_sha256=HASH, state_dir=Path("/var/lib/psi")
    )
    assert (projection.cache, projection.max_stale) == ("tpm", 7 * 86_400)


@pytest.mark.parametrize("sealer", ["", "sealer: {}", "sealer: {tpm: {}}"])
def test_the_hsm_backend_needs_a_token(errors: Check, sealer: str) -> None:
    (told,) = errors(f"cache: {{backend: hsm}}\n{sealer}")
    assert told.startswith("1: cache: backend hsm needs sealer.pkcs11")


def test_a_token_that_is_wrong_is_told_once(errors: Check) -> None:
    (told,) = errors("cache: {backend: hsm}\nsealer: {pkcs11: {module: x, key_label: k}}")[:-1]
    assert "sealer.pkcs11" in told


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        ("memory", "sealer: not used: cache.backend is memory"),
        ("software", "sealer: tpm is not used: cache.backend is software"),
    ],
)
def test_a_section_that_is_not_used_is_noted(notices: Check, backend: str, told: str) -> None:
    assert told in notices(f"cache: {{backend: {backend}}}\nsealer: {{tpm: {{}}}}")[-1]


def test_a_section_that_is_used_is_not_noted(notices: Check) -> None:
    assert notices("cache: {backend: tpm}\nsealer: {hold: open, tpm: {}}") == []


@pytest.mark.parametrize(
    "text",
    [
        "{hold: never}",
        "{tpm: {pcrs: [24]}}",
        "{tpm: {pcrs: [7, 7]}}",
        "{tpm: {device: tpm0}}",
        "{tpm: {policy: any}}",
        "{tpm: {policy: pcr, pcrs: []}}",
        "{tpm: {policy: none, pcrs: [7]}}",
        "{pkcs11: {token_label: t, key_label: k}}",
        f"{{pkcs11: {{{TOKEN}, pin: '1', pin_credential: p}}}}",
        f"{{pkcs11: {{{TOKEN}, pin: ''}}}}",
        f"{{pkcs11: {{{TOKEN}, slot: 0}}}}",
        f"{{pkcs11: {{{TOKEN}, pin_credential: ../x}}}}",
    ],
)
def test_refused_in_sealer(errors: Check, text: str) -> None:
    assert len(errors(f"sealer: {text}")) == 1


def test_the_whole_of_it_is_taken(read: Read) -> None:
    text = f"sealer: {{hold: per-operation, tpm: {{pcrs: [0, 7]}}, pkcs11: {{{TOKEN}}}}}"
    sealer = read(text).sealer
    assert sealer is not None
    assert sealer.hold == "per-operation"
