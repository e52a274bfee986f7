"""Which names may stand in Podman's argv and URLs."""

import pytest

from psi.shared.errors import InvalidName
from psictl.podman.interface import is_id, is_possible_name, require_name


@pytest.mark.parametrize(
    "name",
    [
        "myapp--DB_HOST", "w@--K", "a.b_c-d--tls.crt", "a--" + "K" * 250,
        "ENCRYPTION_KEY", "cafe_", "CAFE", "plain", "K" * 128,  # sealed
    ],
)  # fmt: skip  # two kinds
def test_names_that_psi_gives_pass(name: str) -> None:
    assert require_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "3fa9c01b2d4e5f60718293a4b",  # an id, or the beginning of one
        "3fa",
        "cafe",
        "deadbeef01",
        "K" * 129,
        "K\n",
        "KEY-1",
        "--all",
        "-a--K",
        "a--K\n",
        "a--K L",
        "a/b--K",
        "a--K?showsecret=true",
        "a--",
        "a--" + "K" * 251,
        "a\x00--K",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    assert not is_possible_name(name)
    with pytest.raises(InvalidName, match="secret name"):
        require_name(name)


def test_an_id_has_25_hex_digits_and_nothing_behind() -> None:
    assert is_id("3fa9c01b2d4e5f60718293a4b")
    assert not is_id("3fa9c01b2d4e5f60718293a4b\n")
    assert not is_id("3FA9C01B2D4E5F60718293A4B")
