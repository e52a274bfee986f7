"""The text of containers.conf.d/psi.conf, read back by a TOML parser."""

import tomllib

import pytest

from psictl.driver import driver_commands, render_containers_conf


@pytest.mark.parametrize(
    "socket_path", ["/run/psi/psi.sock", "/srv/a b/psi.sock", "/srv/q\"u\\o'te/psi.sock"]
)
@pytest.mark.parametrize("with_reason", [True, False])
def test_the_commands_come_back_from_toml_unchanged(socket_path: str, *, with_reason: bool) -> None:
    commands = driver_commands(socket_path, with_reason=with_reason)
    assert tomllib.loads(render_containers_conf(commands)) == {"secrets": {"opts": commands}}


def test_the_default_driver_is_left_alone_unless_asked_for() -> None:
    assert "driver" not in tomllib.loads(render_containers_conf(driver_commands()))["secrets"]


def test_the_default_driver_is_shell_when_asked_for() -> None:
    text = render_containers_conf(driver_commands(), default_driver=True)
    assert tomllib.loads(text)["secrets"] == {"driver": "shell", "opts": driver_commands()}
