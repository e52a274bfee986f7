"""Where the broker may connect to: addresses, as far as the configuration names addresses.

``IPAddressAllow=`` knows no host names (systemd.resource-control(5)): where one has to be looked
up, or another host be reached, everything is allowed, and the drop-in says why. The shipped unit
allows this machine itself.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from psi.shared.projection import Auth, AwsIamAuth, AzureAuth, GcpAuth, Infisical
from psictl.config.projection import auths

_AWS: Final = ("169.254.169.254", "169.254.170.2", "fd00:ec2::254")
"""The instance's metadata (EC2 user guide, IMDSv2), and the agent of ECS tasks."""
_AZURE: Final = ("169.254.169.254",)
"""Azure Instance Metadata Service."""
_GOOGLE: Final = ("169.254.169.254",)
"""What metadata.google.internal stands for; it is also the instance's name server."""


@dataclass(frozen=True)
class Reach:
    """Addresses, or the reason why it is all of them."""

    addresses: tuple[str, ...] = ()
    unbounded: str = ""

    def lines(self) -> list[str]:
        """Return the settings."""
        if self.unbounded:
            return [f"# {self.unbounded}.", "IPAddressAllow=any"]
        return [f"IPAddressAllow={address}" for address in self.addresses]


def reach(infisical: Infisical) -> Reach:
    """Return where a broker of this configuration may connect to."""
    address, reason = _upstream(infisical)
    if not reason and infisical.proxy is None:
        reason = _elsewhere(infisical)
    if reason:
        return Reach(unbounded=reason)
    clouds = {one for auth in auths(infisical) for one in _metadata(auth)}
    return Reach(tuple(sorted({*clouds, *address})))


def _upstream(infisical: Infisical) -> tuple[tuple[str, ...], str]:
    """Return the address of the next hop, or why there is none; the proxy resolves names itself."""
    key = "api_url" if infisical.proxy is None else "proxy"
    host = urlsplit(infisical.proxy or infisical.api_url).hostname or ""
    if host == "localhost":
        return (), ""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        # The name itself is left out: it is text of the configuration's in a comment of a unit's.
        return (), f"{key} names a host, which has to be looked up and may move"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        # The kernel sends IPv4 to such an address, and the filter looks at what is sent.
        found = found.ipv4_mapped
    return ((), "") if found.is_loopback else ((str(found),), "")


def _elsewhere(infisical: Infisical) -> str:
    """Return why another host than Infisical has to be reached, if one has to."""
    if any(isinstance(auth, GcpAuth) and auth.service_account_key for auth in auths(infisical)):
        return "a Google service account signs by way of googleapis.com, which has to be looked up"
    return ""


def _metadata(auth: Auth) -> Iterator[str]:
    if isinstance(auth, AwsIamAuth):
        yield from _AWS
    elif isinstance(auth, AzureAuth):
        yield from _AZURE
    elif isinstance(auth, GcpAuth) and auth.service_account_key is None:
        yield from _GOOGLE
