"""Keys and files that the tests of the sealer share."""

from psi.sealer.keys import Keys, derive_keys
from psi.sealer.keyslot_file import KeyslotFile
from psi.sealer.slots import Keyslot, RecoverySlot, SoftwareSlot
from psi.shared.secret import SecretBytes

KEK = SecretBytes(b"k" * 32)
HOST_SECRET = SecretBytes(b"h" * 32)


def keys(kek: SecretBytes = KEK, host_secret: SecretBytes = HOST_SECRET) -> Keys:
    return derive_keys(kek, host_secret)


def slots() -> tuple[Keyslot, ...]:
    software = SoftwareSlot(nonce=b"n" * 12, wrapped=b"w" * 48)
    recovery = RecoverySlot(salt=b"s" * 16, cost_exponent=15, nonce=b"n" * 12, wrapped=b"w" * 48)
    return (
        Keyslot(number=0, created_at=1.5, body=software),
        Keyslot(number=3, created_at=2.5, body=recovery),
    )


def keyslot_file() -> KeyslotFile:
    return KeyslotFile.build(keys(), slots())
