"""Values that name something outside of the file which a service's unit has to be given.

Each is noted (``mention``): a host has it looked for by ``apply``, a development host has no
sandbox and needs none of that.
"""

from typing import Final

from psi.shared.errors import ConfigError
from psi.shared.names import parse_credential
from psictl.config.places import absolute_path
from psictl.config.problems import Unfit
from psictl.config.value import Value

RESERVED: Final = frozenset({"config.json", "limits.json", "host-secret"})
"""Credentials that PSI gives its services by itself."""


def parse_free_credential(name: str) -> str:
    """Return the name of a credential that is a person's to set; raises ConfigError."""
    if parse_credential(name) in RESERVED:
        raise ConfigError(f"credential {name} is PSI's own name; rename the credential")
    return name


def credential(value: Value) -> str:
    """Return the name of a systemd credential."""
    name = parse_free_credential(value.text())
    value.mention("credential", name)
    return name


def broker_file(value: Value) -> str:
    """Return the path of a file that the broker reads anew at each login.

    ``/var/run`` is ``/run`` (FHS 3.0, section 5.13), and the broker's root has no such link.
    """
    path = absolute_path(value)
    if path.startswith("/var/run/"):
        path = path.removeprefix("/var")
    value.mention("file", path)
    return path


def pkcs11_module(value: Value) -> str:
    """Return the path of a PKCS#11 module, which the sealer loads."""
    path = absolute_path(value)
    value.mention("module", path)
    return path


def device_node(value: Value) -> str:
    """Return the path of a device."""
    path = absolute_path(value)
    if not path.startswith("/dev/"):
        raise Unfit("is no device; name it below /dev, as /dev/tpmrm0")
    return path
