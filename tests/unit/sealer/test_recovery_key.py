"""The printed recovery key: what people do to it, and what is noticed."""

import pytest

from psi.sealer.backends.recovery import RecoveryBackend
from psi.sealer.device_error import DeviceError
from psi.sealer.recovery_key import make_recovery_key, parse_recovery_key, print_recovery_key
from psi.shared.messages.sealer import SealerError
from psi.shared.secret import SecretBytes
from tests.unit.sealer.samples import KEK

KEY = SecretBytes(bytes(range(200, 232)))
PRINTED = print_recovery_key(KEY).reveal().decode()


def refused(text: str) -> str:
    with pytest.raises(DeviceError) as caught:
        parse_recovery_key(SecretBytes(text.encode()))
    assert caught.value.code is SealerError.BAD_RECOVERY_KEY
    return caught.value.detail


def test_it_is_eight_groups_without_letters_that_look_alike() -> None:
    groups = PRINTED.split("-")
    assert [len(group) for group in groups] == [8] * 8
    assert not set(PRINTED) & set("ILOU")


def test_a_random_key_comes_back() -> None:
    for _ in range(50):
        key = make_recovery_key()
        assert parse_recovery_key(print_recovery_key(key)) == key


@pytest.mark.parametrize(
    "typed",
    [
        PRINTED.lower(),
        PRINTED.replace("-", " "),
        PRINTED.replace("-", ""),
        f"  {PRINTED}\r\n",
        PRINTED.replace("0", "O").replace("1", "l"),
        PRINTED.replace("1", "I"),
    ],
)
def test_how_it_is_typed_does_not_matter(typed: str) -> None:
    assert parse_recovery_key(SecretBytes(typed.encode())) == KEY


def refusal(typed: str) -> str | None:
    try:
        parse_recovery_key(SecretBytes(typed.encode()))
    except DeviceError as error:
        return error.detail
    return None


def test_nearly_every_wrong_letter_is_noticed_in_its_group() -> None:
    alphabet, missed, tried = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 0, 0
    for place, letter in enumerate(PRINTED):
        for other in alphabet:
            if letter in ("-", other):
                continue
            detail = refusal(PRINTED[:place] + other + PRINTED[place + 1 :])
            tried += 1
            missed += detail is None
            assert detail is None or f"group {place // 9 + 1} of 8" in detail
    assert missed < tried / 100


def test_swapped_groups_are_noticed() -> None:
    groups = PRINTED.split("-")
    groups[2], groups[5] = groups[5], groups[2]
    assert "group 3 of 8" in refused("-".join(groups))


def test_a_missing_letter_is_counted() -> None:
    assert "63 letters" in refused(PRINTED[:-1])


def test_a_letter_that_cannot_be_is_placed() -> None:
    assert "group 1 of 8" in refused("U" + PRINTED[1:])
    assert "group 8 of 8" in refused(PRINTED[:-1] + "é")


def test_an_endless_key_is_refused() -> None:
    assert "letters" in refused("0" * 100_000)


def test_nothing_of_the_key_is_in_the_refusal() -> None:
    detail = refused("U" + PRINTED[1:])
    assert not any(group in detail for group in PRINTED.split("-"))


def test_the_slot_opens_with_its_key_and_no_other() -> None:
    body = RecoveryBackend(KEY).make_slot(KEK)
    assert RecoveryBackend(KEY).open_slot(body) == KEK
    with pytest.raises(DeviceError, match="opens no slot") as caught:
        RecoveryBackend(make_recovery_key()).open_slot(body)
    assert caught.value.code is SealerError.BAD_RECOVERY_KEY
