"""A key is wrapped for a token and opened by it, by the mechanism that the token can do."""

import pytest
from msgspec.structs import replace

from psi.sealer.backends.pkcs11_keys import key_pairs
from psi.sealer.backends.pkcs11_mechanism import RsaOaep
from psi.sealer.slots import Pkcs11Slot
from psi.shared.messages.sealer import SealerError
from psi.shared.secret import SecretBytes
from tests.fakes.devices.softhsm import SoftHsmToken
from tests.fakes.devices.tpm2_pkcs11 import Tpm2Pkcs11
from tests.unit.sealer_pkcs11.conftest import Use
from tests.unit.sealer_pkcs11.setting import KEK, Token, backend, make, opened, refused, unwrap

STEP = 31
"""Between the bytes of a wrapping that are flipped."""


def test_a_slot_opens(token: Token) -> None:
    slot = make(backend(token))
    assert unwrap(backend(token), slot) == KEK
    assert KEK.reveal() not in slot.wrapped


def test_a_session_makes_and_opens_several_slots(token: Token) -> None:
    with opened(backend(token)) as device:
        slots = [device.make_slot(KEK), device.make_slot(SecretBytes(bytes(32)))]
        assert [device.open_slot(slot) for slot in slots] == [KEK, SecretBytes(bytes(32))]


def test_softhsm_with_rsa_unpads_in_software(soft_rsa: SoftHsmToken) -> None:
    assert make(backend(soft_rsa)).mechanism == "rsa-x509-oaep-sha256"


def test_softhsm_with_ec_agrees_on_a_key(soft_ec: SoftHsmToken) -> None:
    slot = make(backend(soft_ec))
    assert slot.mechanism == "ecdh-p256-hkdf"
    assert len(slot.ephemeral) == 65


def test_tpm2_pkcs11_takes_the_padding_off(tpm_token: Tpm2Pkcs11, use: Use) -> None:
    assert make(backend(use(tpm_token))).mechanism == "rsa-oaep-sha256"


def test_ecdh_is_preferred_to_raw_rsa(own: SoftHsmToken) -> None:
    before = make(backend(own))
    own.add_ec(own.key_label)
    after = make(backend(own))
    assert (before.mechanism, after.mechanism) == ("rsa-x509-oaep-sha256", "ecdh-p256-hkdf")
    assert unwrap(backend(own), before) == KEK
    assert unwrap(backend(own), after) == KEK


def test_a_key_that_may_not_derive_is_unsupported(own: SoftHsmToken) -> None:
    own.add_ec("signer", "--usage-sign")
    error = refused(SealerError.UNSUPPORTED, make, backend(own, key_label="signer"))
    assert "signer" in error.detail


def test_a_key_of_another_curve_is_unsupported(own: SoftHsmToken) -> None:
    arguments = ["--keypairgen", "--key-type", "EC:secp384r1", "--usage-derive"]
    own.manage("--login", "--pin", own.pin, *arguments, "--label", "wide", "--id", "77")
    error = refused(SealerError.UNSUPPORTED, make, backend(own, key_label="wide"))
    assert "P-256" in error.detail


def test_a_short_rsa_key_is_unsupported(own: SoftHsmToken) -> None:
    arguments = ["--keypairgen", "--key-type", "rsa:1024", "--usage-decrypt"]
    own.manage("--login", "--pin", own.pin, *arguments, "--label", "short", "--id", "77")
    error = refused(SealerError.UNSUPPORTED, make, backend(own, key_label="short"))
    assert "2048" in error.detail


def _flips(slot: Pkcs11Slot) -> list[Pkcs11Slot]:
    damaged = []
    for field in ("wrapped", "ephemeral", "nonce"):
        whole = getattr(slot, field)
        for offset in {*range(0, len(whole), STEP), len(whole) - 1} if whole else ():
            data = bytearray(whole)
            data[offset] ^= 0x01
            damaged.append(replace(slot, **{field: bytes(data)}))
        damaged += [replace(slot, **{field: whole + b"\x00"}), replace(slot, **{field: whole[:9]})]
    return [one for one in damaged if one.wrapped and one != slot]


def test_a_damaged_slot_is_corrupt_and_the_next_opens(token: Token) -> None:
    slot = make(backend(token))
    damaged = [one for one in _flips(slot) if slot.ephemeral or one.wrapped != slot.wrapped]
    with opened(backend(token)) as device:
        for one in damaged:
            refused(SealerError.CORRUPT, device.open_slot, one)
            assert device.open_slot(slot) == KEK


def test_a_mechanism_that_the_key_cannot_is_corrupt(soft_rsa: SoftHsmToken) -> None:
    forged = replace(make(backend(soft_rsa)), mechanism="ecdh-p256-hkdf")
    refused(SealerError.CORRUPT, unwrap, backend(soft_rsa), forged)


def test_a_token_has_no_boot_state(token: Token) -> None:
    with opened(backend(token)) as device:
        slot = device.make_slot(KEK)
        refused(SealerError.UNSUPPORTED, device.reseal, slot, KEK, None)


def test_another_token_with_a_key_of_that_label_is_named_so(
    soft_rsa_token: SoftHsmToken, own: SoftHsmToken, use: Use
) -> None:
    slot = make(backend(use(soft_rsa_token)))
    error = refused(SealerError.OTHER_DEVICE, unwrap, backend(use(own)), slot)
    assert slot.token_serial in error.detail


def test_a_clone_with_the_same_key_opens_the_slot(
    soft_rsa: SoftHsmToken, own: SoftHsmToken, use: Use
) -> None:
    slot = make(backend(use(soft_rsa)))
    pem = soft_rsa.folder / f"{soft_rsa.key_label}.pem"
    arguments = ["--import", str(pem), "--token", own.label, "--pin", own.pin]
    own.tool(*arguments, "--label", "clone", "--id", "4711")
    assert unwrap(backend(use(own), key_label="clone"), slot) == KEK


@pytest.mark.parametrize("size", [16, 32])
def test_a_foreign_block_is_unwrapped(token: Token, size: int) -> None:
    """As the forerunner made it: RSA-OAEP-SHA256 with the token's public key."""
    with opened(backend(token)) as device:
        pair = key_pairs(device._session.session, token.key_label)[0]
        if not RsaOaep().fits(pair):
            refused(SealerError.UNSUPPORTED, device.unwrap_foreign, bytes(256))
            return
        key = bytes(range(size))
        block = RsaOaep().wrap(pair, key).wrapped
        assert device.unwrap_foreign(block) == SecretBytes(key)
        damaged = bytes([block[0] ^ 1]) + block[1:]
        refused(SealerError.CORRUPT, device.unwrap_foreign, damaged)
        refused(SealerError.CORRUPT, device.unwrap_foreign, block[:-1])
        refused(SealerError.CORRUPT, device.unwrap_foreign, b"\xff" * len(block))
