"""Podman's JSON, which may name anything: other people's secrets are in it."""

import json
from typing import Any

import pytest

from psictl.podman.errors import PodmanError
from psictl.podman.interface import PodmanSecret
from psictl.podman.listing import decode_secret, decode_secrets

ID = "3fa9c01b2d4e5f60718293a4b"


def info(name: str = "myapp--K", key: str = ID, **driver: Any) -> dict[str, Any]:
    """Return a secret as Podman 4.3.1 and 5.4.2 print it."""
    spec = {"Name": name, "Driver": {"Name": "shell", "Options": {"list": "l"}} | driver}
    dates = {"CreatedAt": "2026-11-21T19:21:31.8Z", "UpdatedAt": "2026-11-21T19:21:31.8Z"}
    return {"ID": key, **dates, "Spec": {**spec, "Labels": {}}}


def test_a_list_is_read() -> None:
    expected = PodmanSecret(ID, "myapp--K", "shell", {"list": "l"})
    assert decode_secrets(json.dumps([info()]).encode()) == [expected]
    assert decode_secret(json.dumps(info()).encode()) == expected


def test_a_driver_without_options_is_read() -> None:
    (secret,) = decode_secrets(json.dumps([info(Name="file", Options=None)]).encode())
    assert (secret.driver, secret.options) == ("file", {})


@pytest.mark.parametrize("name", ["a\nb--K", "\x1b[2J--K", "plain-one", "", "a b--K"])
def test_names_that_psi_cannot_have_given_are_left_out(name: str) -> None:
    assert decode_secrets(json.dumps([info(name), info()]).encode()) == decode_secrets(
        json.dumps([info()]).encode()
    )


def test_an_id_that_is_none_is_left_out() -> None:
    assert decode_secrets(json.dumps([info(key="../../etc/passwd")]).encode()) == []


@pytest.mark.parametrize(
    "reply", [b"", b"json\n", b"{}", b"[1]", b'[{"ID": 1}]', b"\xff\xfe", b"[" * 5000]
)
def test_what_is_no_list_of_secrets_is_an_error(reply: bytes) -> None:
    with pytest.raises(PodmanError, match="list of secrets is not"):
        decode_secrets(reply)
