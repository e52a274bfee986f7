"""``psictl seal``: a local secret for Podman, kept by the broker under the sealer's protection.

It is for what cannot come from Infisical, such as Infisical's own encryption key.
"""

import secrets
from collections.abc import Callable
from functools import cache
from typing import Final

from psi.shared.errors import ConfigError, PsiError
from psi.shared.messages.base import Done
from psi.shared.messages.broker_cache import (
    SealSecret,
)
from psi.shared.names import parse_environment_name
from psi.shared.secret import MAX_SECRET_BYTES, SecretBytes
from psictl.catalogue import list_mappings, list_sealed
from psictl.client import BrokerClient
from psictl.driver import driver_commands
from psictl.http_socket import HttpSocket
from psictl.layout import Layout
from psictl.podman.curl_probe import probe_curl
from psictl.podman.interface import Podman, is_sealed_name
from psictl.secret_input import read_secret
from psictl.setup.registration import Registrar, Sealed, Target, mapping_payload
from psictl.setup.report import Outcome, SecretResult

NEWLINES: Final = (b"\r\n", b"\n")


def parse_sealed_name(name: str) -> str:
    """Return a name for a sealed secret; raises InvalidName, and ConfigError for a hex one."""
    parse_environment_name(name)
    if not is_sealed_name(name):
        raise ConfigError(
            f"{name} could be the beginning of a secret's id, which Podman takes for a name; "
            "choose one with an uppercase letter or a '_'"
        )
    return name


def read_value(*, strip_newline: bool) -> SecretBytes:
    """Return the value: exactly the bytes of stdin, or without the one newline at its end.

    Raises ConfigError for one that is empty or too large for Podman.
    """
    value = read_secret("value: ", MAX_SECRET_BYTES).reveal()
    for newline in NEWLINES:
        if strip_newline and value.endswith(newline):
            value = value.removesuffix(newline)
            break
    if not value:
        raise ConfigError("the value is empty; Podman cannot keep an empty secret")
    return SecretBytes(value)


def seal(client: BrokerClient, podman: Podman, layout: Layout, request: SealSecret) -> SecretResult:
    """Keep the value and register its name with Podman; a foreign secret is found out before.

    Raises PsiError where the name is taken or Podman refuses, and as ControlClient.call.
    """
    registrar = _registrar(client, podman, layout)
    _check_free(registrar, request)
    client.call(request, Done)
    # Nothing is awaited of the broker while Podman works: it calls the driver's store (r27).
    result = registrar.settle(request.name, Sealed(request.name))
    if result.outcome not in {Outcome.KEPT, Outcome.CREATED, Outcome.REPLACED}:
        raise PsiError(
            f"{request.name} is sealed, but {result.detail}; run the same command with --force"
        )
    return result


def seal_and_post(client: BrokerClient, http: HttpSocket, request: SealSecret) -> SecretResult:
    """Keep the value and register its name over psi.sock, as Podman would; raises as above."""
    client.call(request, Done)
    known = [i for i, name in list_sealed(client).items() if name == request.name]
    secret_id = min(known, default="") or secrets.token_hex(13)[:25]
    answer = http.store(secret_id, mapping_payload(Sealed(request.name)))
    if answer.status != 200:
        raise PsiError(
            f"{request.name} is sealed, but not registered: {answer.reason}; "
            "run the same command with --force"
        )
    return SecretResult(request.name, Outcome.KEPT if known else Outcome.CREATED, id=secret_id)


def _check_free(registrar: Registrar, request: SealSecret) -> None:
    held = registrar.present.get(request.name)
    if held is None:
        return
    if not registrar.is_ours(held):
        raise PsiError(
            f"{request.name} is held in Podman by a secret that PSI did not register; nothing was "
            "sealed: podman secret rm it, or choose another name"
        )
    if registrar.mappings[held.id] != Sealed(request.name) and not request.replace:
        raise PsiError(
            f"{request.name} is registered in Podman for another value of PSI's; nothing was "
            "sealed: choose another name, or give --force to replace it"
        )


def _registrar(client: BrokerClient, podman: Podman, layout: Layout) -> Registrar:
    mappings: dict[str, Target] = dict(list_mappings(client))
    mappings |= {secret_id: Sealed(name) for secret_id, name in list_sealed(client).items()}
    socket_path = str(layout.http_socket)
    return Registrar(
        podman=podman,
        present={secret.name: secret for secret in podman.secrets()},
        mappings=mappings,
        socket_path=socket_path,
        commands=_commands(socket_path),
    )


def _commands(socket_path: str) -> Callable[[], dict[str, str]]:
    return cache(lambda: dict(driver_commands(socket_path, with_reason=probe_curl().with_reason)))
