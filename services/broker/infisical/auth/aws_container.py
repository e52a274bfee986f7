"""Credentials of an ECS task or an EKS pod, from the agent that its environment names.

AWS SDK reference guide, "Container credential provider": a full address must be https, of this
machine, or one of the agents' own; else who sets it could send the token anywhere.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from psi.broker.infisical.auth.platform_http import Ask
from psi.broker.infisical.auth.secret_reader import SecretReader
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.shared.errors import ConfigError
from psi.shared.projection import SecretSource
from psi.shared.secret import SecretBytes

_RELATIVE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
_FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105  # a variable's name
_TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"  # noqa: S105  # likewise
_AGENTS = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"}
"""Of ECS, and of EKS pod identity."""


def container_request(environment: Mapping[str, str], base: str) -> Ask | None:
    """Return the request to the agent, or None outside a container.

    Raises UpstreamError (refused) for an address that no agent has, or without its token file.
    """
    relative, full = environment.get(_RELATIVE), environment.get(_FULL)
    if not relative and not full:
        return None
    if relative:
        _require(relative.startswith("/"), f"{_RELATIVE} is no path; it begins with /")
    elif full:
        _require(_is_agent(full), f"{_FULL} is no agent's; use https, or this machine's address")
    token = _authorization(environment)
    return Ask(
        what="the container's credential agent",
        remedy="check the task's role",
        method="GET",
        url=f"{base}{relative}" if relative else full or "",
        headers={"Authorization": token} if token else {},
    )


def _authorization(environment: Mapping[str, str]) -> str:
    """Return the token that the agent asks for, read anew: EKS rotates its file."""
    if path := environment.get(_TOKEN_FILE):
        source = SecretSource(file=path)
        return _line(SecretReader(_no_credential).read(source, _TOKEN).reveal().decode())
    return _line(environment.get(_TOKEN, ""))


def _line(token: str) -> str:
    _require(token.isascii() and token.isprintable(), f"{_TOKEN} is no line of text; correct it")
    return token


def _is_agent(address: str) -> bool:
    try:
        url = urlsplit(address)
        host = url.hostname or ""
        if url.scheme == "https":
            return bool(host)
        local = host in _AGENTS or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
    return url.scheme == "http" and local


def _require(fit: bool, text: str) -> None:  # noqa: FBT001  # a condition is what it takes
    if not fit:
        raise UpstreamError(Kind.REFUSED, text)


def _no_credential(name: str) -> SecretBytes:
    raise ConfigError(f"no credential {name}")
