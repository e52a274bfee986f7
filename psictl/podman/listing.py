"""Read what Podman says about its secrets, in the JSON that ``inspect`` and REST share."""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from psi.shared.names import printable
from psictl.podman.errors import PodmanError
from psictl.podman.interface import PodmanSecret, is_id, is_possible_name

_T = TypeVar("_T")
_Text = Annotated[str, Meta(max_length=64 * 1024)]


class _Driver(Struct, rename="pascal"):
    name: _Text
    options: dict[_Text, _Text] | None = None


class _Spec(Struct, rename="pascal"):
    name: _Text
    driver: _Driver


class _Info(Struct):
    """SecretInfoReport of Podman's API; fields that PSI does not need are passed over."""

    id: _Text = msgspec.field(name="ID")
    spec: _Spec = msgspec.field(name="Spec")


def decode_secrets(reply: bytes) -> list[PodmanSecret]:
    """Return the secrets of a JSON list; those that PSI could not have named are left out.

    Raises PodmanError where the reply is no such list.
    """
    found = (_secret(info) for info in _decode(reply, list[_Info]))
    return [secret for secret in found if secret is not None]


def decode_secret(reply: bytes) -> PodmanSecret | None:
    """Return the secret of one JSON object, or None where PSI could not have named it."""
    return _secret(_decode(reply, _Info))


def _decode(reply: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(reply, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PodmanError(
            f"Podman's list of secrets is not what Podman 4 and 5 give ({printable(str(error))}): "
            "see what `podman secret inspect` prints"
        ) from error


def _secret(info: _Info) -> PodmanSecret | None:
    if not (is_id(info.id) and is_possible_name(info.spec.name)):
        return None
    driver = info.spec.driver
    return PodmanSecret(info.id, info.spec.name, driver.name, driver.options or {})
