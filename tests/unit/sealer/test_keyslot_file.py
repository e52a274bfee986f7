"""The keyslot file: every damage is found before a device is asked, every forgery with the key."""

import hashlib

import msgspec
import pytest

from psi.sealer.device_error import DeviceError
from psi.sealer.keyslot_file import FILE_BYTES, KeyslotFile
from psi.sealer.slots import Keyslot, Pkcs11Slot, SoftwareSlot, TpmApproval, TpmSlot
from psi.shared.messages.sealer import SealerError
from psi.shared.secret import SecretBytes
from tests.unit.sealer.samples import keys, keyslot_file, slots


def refused(data: bytes) -> str:
    with pytest.raises(DeviceError) as caught:
        KeyslotFile(data)
    assert caught.value.code is SealerError.CORRUPT
    return caught.value.detail


def with_checksum(covered: bytes) -> bytes:
    return covered + hashlib.sha256(covered).digest()


def test_what_was_built_is_read_back_and_verified() -> None:
    read = KeyslotFile(keyslot_file().data)
    assert read.slots == slots()
    read.verify(keys())


def test_truncated_at_every_length_is_damaged() -> None:
    data = keyslot_file().data
    for length in range(len(data)):
        refused(data[:length])


def test_one_flipped_bit_at_every_offset_is_damaged() -> None:
    data = keyslot_file().data
    for offset in range(len(data)):
        for bit in (0x01, 0x80):
            refused(data[:offset] + bytes([data[offset] ^ bit]) + data[offset + 1 :])


def test_a_byte_more_is_damaged() -> None:
    refused(keyslot_file().data + b"\0")


def test_a_forged_slot_with_a_right_checksum_is_found_with_the_key() -> None:
    data = keyslot_file().data
    place = data.index(b"s" * 16)
    forged = with_checksum(data[:place] + b"t" + data[place + 1 : -32])
    with pytest.raises(DeviceError, match="altered by someone without the key") as caught:
        KeyslotFile(forged).verify(keys())
    assert caught.value.code is SealerError.CORRUPT


def test_another_host_secret_is_told_from_damage() -> None:
    with pytest.raises(DeviceError, match="host secret") as caught:
        keyslot_file().verify(keys(host_secret=SecretBytes(b"x" * 32)))
    assert caught.value.code is SealerError.CORRUPT


def test_a_version_to_come_is_named() -> None:
    data = keyslot_file().data
    assert "version" in refused(with_checksum(data[:4] + b"\x02" + data[5:-32]))


def test_two_slots_of_one_number_are_refused() -> None:
    first = slots()[0]
    with pytest.raises(DeviceError, match="two slots"):
        KeyslotFile.build(keys(), (first, first))


def test_no_slots_are_refused() -> None:
    with pytest.raises(DeviceError, match="does not decode"):
        KeyslotFile.build(keys(), ())


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "floppy"},
        {"surplus": 1},
        {"nonce": b"short"},
        {"wrapped": b"w" * 49},
        {"mechanism": "rot13"},
    ],
)
def test_a_slot_with_a_field_out_of_bounds_does_not_decode(change: dict[str, object]) -> None:
    body = {"kind": "software", "nonce": b"n" * 12, "wrapped": b"w" * 48} | change
    slot = {"number": 0, "created_at": 0.0, "body": body}
    content = msgspec.msgpack.encode({"key_id": b"i" * 16, "slots": [slot]})
    assert "does not decode" in refused(with_checksum(b"PSIK\x01" + content + b"m" * 32))


def test_eight_of_the_largest_slots_fit() -> None:
    big = b"b" * 2048
    approval = TpmApproval(pcr_digest=b"d" * 32, signature=big)
    body = TpmSlot(
        mechanism="ecc-srk+pcr-authorized",
        public=big,
        private=big,
        srk_name=b"n" * 66,
        pcrs=list(range(24)),
        pcr_digest=b"d" * 32,
        authority_public=big,
        authority_private=big,
        approvals=[approval] * 8,
    )
    most = tuple(Keyslot(number=i, created_at=0, body=body) for i in range(8))
    data = KeyslotFile.build(keys(), most).data
    assert len(data) < FILE_BYTES
    assert KeyslotFile(data).slots == most


def test_each_kind_of_slot_names_its_kind() -> None:
    token = Pkcs11Slot(
        mechanism="ecdh-p256-hkdf", token_serial="1", key_fingerprint=b"f" * 32, wrapped=b"w" * 48
    )
    bodies = [slots()[1].body, SoftwareSlot(nonce=b"n" * 12, wrapped=b"w" * 48), token]
    kinds = [Keyslot(number=0, created_at=0, body=body).kind for body in bodies]
    assert kinds == ["recovery", "software", "pkcs11"]
