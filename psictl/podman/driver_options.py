"""Write one ``--driver-opts`` argument so that Podman reads back the very same command.

Podman reads it by pflag's StringToString: an argument with exactly one ``=`` is taken whole,
less any ``"`` at its two ends; one with more is first read as a line of CSV (spf13/pflag,
string_to_string.go; tried with Podman 4.3.1 and 5.4.2).
"""

from psi.shared.errors import ConfigError
from psi.shared.names import printable


def driver_option(key: str, command: str) -> str:
    """Return ``key=command`` as Podman must get it.

    Raises ConfigError for a command that ends in ``"`` and has no ``=``: Podman would cut it.
    """
    whole = f"{key}={command}"
    if "=" in command:
        return '"' + whole.replace('"', '""') + '"'
    if whole.endswith('"'):
        raise ConfigError(
            f"the driver command {printable(command)!r} ends in a double quote, which Podman "
            "cuts off: choose another --root"
        )
    return whole
