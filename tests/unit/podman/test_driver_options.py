"""--driver-opts as Podman reads it back; the reader here is the stand-in's, tried on 4.3.1."""

import pytest

from psi.shared.errors import ConfigError
from psictl.driver import driver_commands
from psictl.podman.driver_options import driver_option
from tests.fakes.podman_fake.store import driver_options

COMMANDS = [
    driver_commands()["lookup"],
    driver_commands("/srv/a=b, c/psi.sock")["store"],
    driver_commands('/srv/q"u"=/psi.sock')["store"],
    'x "a=b"',
    '"a" = b',
    "a,b c",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_arrive_unchanged(command: str) -> None:
    assert driver_options([driver_option("lookup", command)]) == {"lookup": command}


def test_a_command_that_podman_would_cut_is_refused() -> None:
    with pytest.raises(ConfigError, match="ends in a double quote"):
        driver_option("lookup", 'echo "a"')
