"""What the tests put on a host for the walls to stand before."""

from typing import Final

ALLOWED: Final = "<the address that the broker may reach>"
OTHER: Final = "<an address that it may not>"
LISTENER_PID: Final = "<the listener's number>"
"""These stand in attempts for what each host has of its own."""
PORT: Final = 4711
"""On both addresses somebody listens."""
FREE_PORT: Final = 4712
ABSTRACT: Final = "psi-probe-listener"
"""A Unix socket without a path, which the network namespace of the host has; the broker's user
listens on it."""
LISTENER_UNIT: Final = "probe-listener.service"
_LISTENER: Final = f"""\
import socket, time
server = socket.socket(socket.AF_UNIX)
server.bind("\\0{ABSTRACT}")
server.listen(64)
time.sleep(86400)
"""
LISTENER: Final = ("/usr/bin/python3", "-I", "-c", _LISTENER)
OTHER_UNIT: Final = "probe-server.service"
"""A service of somebody else's, which can be reloaded."""
OTHER_UNIT_TEXT: Final = """\
[Service]
ExecStart=/bin/sleep infinity
ExecReload=/bin/true
"""
TPM: Final = "/dev/tpmrm0"
TPM_NUMBERS: Final = (10, 229)
"""Of /dev/fuse, which stands for a TPM here: whoever is let to it can open it."""
TUN: Final = "/dev/net/tun"
"""Another device, which nobody of ours is let to."""
CREDENTIAL_NAME: Final = "probe"
CREDENTIAL: Final = f"/etc/credstore.encrypted/{CREDENTIAL_NAME}"
"""Encrypted to the host; what loads it gets the TPM into its unit's device list."""
CLIENT_SECRET: Final = "canary-of-the-client-secret-5d1c"
VALUE: Final = "canary-of-the-value-81f3"
SEALED: Final = "canary-of-the-sealed-secret-a90e"
PUBLIC: Final = "db.example.com"
CANARIES: Final = (CLIENT_SECRET, VALUE, SEALED, "eyJ")
"""Every secret that is used; the last is how an access token begins."""
