"""Podman by its REST API, against a stand-in service on a real Unix socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from psi.shared.errors import InvalidName
from psictl.driver import driver_commands
from psictl.podman.errors import NameInUse, NoSuchSecret, PodmanError, PodmanUnreachable
from psictl.podman.rest import RestPodman
from tests.fakes.podman_fake.service import PodmanService, podman_service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[PodmanService]:
    with podman_service(tmp_path / "podman.sock") as server:
        yield server


@pytest.fixture
def podman(service: PodmanService) -> RestPodman:
    return RestPodman(service.path, seconds=10)


def http(status: str, body: bytes, *headers: str) -> bytes:
    """Return a raw reply."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def test_a_created_secret_is_listed_with_its_driver_and_options(
    podman: RestPodman, service: PodmanService
) -> None:
    created = podman.create("myapp--K", b"a\r\n\0", driver_commands())
    (secret,) = podman.secrets()
    assert (secret.id, secret.name, secret.driver) == (created, "myapp--K", "shell")
    assert secret.options == driver_commands()
    assert podman.inspect("myapp--K") == secret
    assert service.payloads["myapp--K"] == b"a\r\n\0"


def test_a_removed_secret_is_gone(podman: RestPodman) -> None:
    podman.create("w@--K", b"x", driver_commands())
    podman.remove("w@--K")
    assert podman.inspect("w@--K") is None
    assert podman.secrets() == []


def test_a_name_in_use_is_told_apart(podman: RestPodman) -> None:
    podman.create("a--K", b"x", {})
    with pytest.raises(NameInUse, match="remove or rename"):
        podman.create("a--K", b"x", {})


def test_an_unknown_name_is_told_apart(podman: RestPodman) -> None:
    with pytest.raises(NoSuchSecret, match="nope--K"):
        podman.remove("nope--K")


@pytest.mark.parametrize(("version", "api"), [("5.4.2", "v5.0.0"), ("4.3.1", "v4.0.0")])
def test_the_api_fits_the_version(tmp_path: Path, version: str, api: str) -> None:
    with podman_service(tmp_path / "podman.sock", version) as service:
        assert str(RestPodman(service.path).version()) == version
    assert service.requests == ["GET /libpod/_ping", f"GET /{api}/libpod/version"]


def test_no_call_asks_for_a_value(podman: RestPodman, service: PodmanService) -> None:
    podman.create("a--K", b"x", {})
    podman.secrets()
    podman.inspect("a--K")
    podman.remove("a--K")
    assert not any("showsecret" in line.lower() for line in service.requests)


def test_a_name_that_changes_the_url_never_reaches_podman(
    podman: RestPodman, service: PodmanService
) -> None:
    for call in (podman.inspect, podman.remove):
        with pytest.raises(InvalidName):
            call("a--K/json?showsecret=true")
    with pytest.raises(InvalidName):
        podman.create("../a--K", b"x", {})
    assert all("_ping" in line for line in service.requests)


def test_an_absent_socket_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(PodmanUnreachable, match=r"systemctl enable --now podman\.socket"):
        RestPodman(tmp_path / "none").secrets()


def test_a_service_that_hangs_is_left_at_the_deadline(service: PodmanService) -> None:
    service.raw["secrets/json"] = b""
    with pytest.raises(PodmanUnreachable, match=r"within 0\.3 s"):
        RestPodman(service.path, seconds=0.3).secrets()


def test_a_reply_that_stops_in_the_middle_is_an_error(
    podman: RestPodman, service: PodmanService
) -> None:
    service.raw["secrets/json"] = http("200 OK", b"[]  ").removesuffix(b" ")
    with pytest.raises(PodmanUnreachable, match="does not answer"):
        podman.secrets()


def test_a_reply_that_is_no_list_is_an_error(podman: RestPodman, service: PodmanService) -> None:
    service.raw["secrets/json"] = http("200 OK", b"<html>")
    with pytest.raises(PodmanError, match="list of secrets is not"):
        podman.secrets()


def test_a_listing_that_fails_tells_what_podman_said(
    podman: RestPodman, service: PodmanService
) -> None:
    service.raw["secrets/json"] = http("500 Oops", b'{"message": "disk \\u001b[2J full"}')
    with pytest.raises(PodmanError, match=r"disk \?\[2J full"):
        podman.secrets()


def test_an_error_without_json_tells_its_status(podman: RestPodman, service: PodmanService) -> None:
    service.raw["secrets/json"] = http("502 Bad Gateway", b"<html>")
    with pytest.raises(PodmanError, match="HTTP 502"):
        podman.secrets()


def test_a_create_that_gives_no_id_is_an_error(podman: RestPodman, service: PodmanService) -> None:
    service.raw["secrets/create"] = http("200 OK", b'{"ID": "../etc/passwd"}')
    with pytest.raises(PodmanError, match="could not create secret a--K"):
        podman.create("a--K", b"x", {})


def test_another_service_on_the_socket_is_not_taken_for_podman(
    podman: RestPodman, service: PodmanService
) -> None:
    service.raw["_ping"] = http("200 OK", b"hello")
    with pytest.raises(PodmanError, match="could not answer a ping"):
        podman.version()


def test_a_version_that_is_none_is_an_error(podman: RestPodman, service: PodmanService) -> None:
    service.raw["_ping"] = http("200 OK", b"OK", "Libpod-API-Version: five")
    with pytest.raises(PodmanError, match="no version number"):
        podman.version()
