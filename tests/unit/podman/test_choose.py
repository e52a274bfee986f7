"""The socket where it answers, else the command, else an error."""

import socket
import sys
from pathlib import Path

import pytest

from psictl.podman.choose import choose_podman
from psictl.podman.command import CommandPodman
from psictl.podman.errors import PodmanUnreachable
from psictl.podman.rest import RestPodman
from tests.fakes.podman_fake.service import podman_service

PROGRAM = [sys.executable]
NONE = ["/nonexistent/podman"]


def test_a_socket_that_answers_is_preferred(tmp_path: Path) -> None:
    with podman_service(tmp_path / "sock") as service:
        assert isinstance(choose_podman(service.path, PROGRAM, {}), RestPodman)


@pytest.mark.parametrize("variable", ["CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF"])
def test_the_socket_of_another_podman_is_passed_over(tmp_path: Path, variable: str) -> None:
    with podman_service(tmp_path / "sock") as service:
        chosen = choose_podman(service.path, PROGRAM, {variable: "/srv/x.conf"})
    assert isinstance(chosen, CommandPodman)
    assert service.requests == []


def test_without_a_socket_it_is_the_command(tmp_path: Path) -> None:
    chosen = choose_podman(tmp_path / "none", PROGRAM, {})
    assert isinstance(chosen, CommandPodman)
    assert chosen.program == PROGRAM


def test_a_file_in_the_sockets_place_is_no_socket(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert isinstance(choose_podman(tmp_path / "file", PROGRAM, {}), CommandPodman)


def test_a_socket_that_nobody_serves_leads_to_the_command(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / "sock"))
    assert isinstance(choose_podman(tmp_path / "sock", PROGRAM, {}), CommandPodman)


def test_with_neither_the_error_names_both(tmp_path: Path) -> None:
    with pytest.raises(PodmanUnreachable, match=r"neither .*/none nor the command /nonexistent"):
        choose_podman(tmp_path / "none", NONE, {})
