"""The commands of ``psictl cache`` that speak to the sealer: make, list and change its keyslots."""

from typing import Annotated, Any

import typer

from psi.shared.errors import ConfigError
from psi.shared.messages import sealer as s
from psi.shared.messages.base import Done
from psictl.cache.keyslots import (
    check_backend,
    parse_digest,
    require_sealer,
    sealer_status,
    slot_fields,
    write_slots,
)
from psictl.cache.recovery_key import key_text, read_key, show_key
from psictl.cli import layout_of
from psictl.client import SealerClient
from psictl.output import write_json, write_line

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def init(
    context: typer.Context,
    *,
    backend: Annotated[
        str | None, typer.Option(metavar="B", help="Only a check: it is cache.backend's.")
    ] = None,
    recovery: Annotated[
        bool | None,
        typer.Option("--recovery/--no-recovery", help="Whether to make a recovery key too."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the keyslots: what is sealed is lost.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Make the key that seals the cache, wrapped by the configured device.

    With --recovery it prints a recovery key, once, on stdout.

    Example: psictl cache init --recovery
    """
    if recovery is None:
        raise ConfigError("say --recovery, or --no-recovery to live without a recovery key")
    with _sealer(context) as client:
        configured = check_backend(client, backend)
        made = client.call(s.Provision(recovery=recovery, force=force), s.ProvisionReply)
    if as_json:
        key = made.recovery_key
        write_json({"backend": configured, "recovery_key": None if key is None else key_text(key)})
        return
    show_key(made.recovery_key)
    if made.recovery_key is None:
        write_line(f"the sealer has a key, wrapped by {configured}")


def reseal(
    context: typer.Context,
    approve: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="SHA-256 over the PCR values of a boot to come."),
    ] = None,
    *,
    as_json: _Json = False,
) -> None:
    """Bind the device's slots to the boot state as it is now, or approve one that is to come.

    Example: psictl cache reseal
    """
    digest = None if approve is None else parse_digest(approve)
    with _sealer(context) as client:
        client.call(s.Reseal(approve=digest), Done)
    _tell(
        {"approved": None if digest is None else digest.hex()},
        "the slots are bound to the boot state as it is now" if digest is None else "approved",
        as_json=as_json,
    )


def slots(context: typer.Context, *, as_json: _Json = False) -> None:
    """List the keyslots; the one that opened the key last has a star.

    Example: psictl cache slots
    """
    with _sealer(context) as client:
        found = sealer_status(client)
    if as_json:
        write_json({"state": found.state, "slots": [slot_fields(slot) for slot in found.slots]})
    else:
        write_slots(found.slots)


def add_slot(
    context: typer.Context,
    *,
    recovery: Annotated[
        bool, typer.Option("--recovery", help="A recovery key, printed once on stdout.")
    ] = False,
    device: Annotated[
        bool, typer.Option("--device", help="The configured device as it is now.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Add a keyslot for the configured device, or for a new recovery key.

    Example: psictl cache add-slot --recovery
    """
    if recovery == device:
        raise ConfigError("say --recovery or --device, one of them")
    with _sealer(context) as client:
        request = s.AddSlot(kind="recovery" if recovery else "device")
        added = client.call(request, s.AddSlotReply)
    key = added.recovery_key
    if as_json:
        shown = None if key is None else key_text(key)
        write_json({"number": added.number, "recovery_key": shown})
        return
    show_key(key)
    if key is None:
        write_line(f"slot {added.number} was added")


def remove_slot(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="N", min=0, max=s.MAX_SLOTS - 1)],
    *,
    as_json: _Json = False,
) -> None:
    """Remove a keyslot: what it was for cannot open the key any more. The last one stays.

    Example: psictl cache remove-slot 1
    """
    with _sealer(context) as client:
        client.call(s.RemoveSlot(number=number), Done)
    _tell({"removed": number}, f"slot {number} was removed", as_json=as_json)


def recover(context: typer.Context, *, as_json: _Json = False) -> None:
    """Open the key by a recovery key, and make a slot for the configured device.

    The recovery key is read from stdin, or asked for without echo.

    Example: psictl cache recover
    """
    require_sealer(layout_of(context))
    typed = read_key()
    with _sealer(context) as client:
        client.call(s.Recover(recovery_key=typed), Done)
        found = sealer_status(client)
    _tell(
        {"state": found.state, "slots": [slot_fields(slot) for slot in found.slots]},
        "the key is open again, and the configured device has a slot",
        as_json=as_json,
    )


def _sealer(context: typer.Context) -> SealerClient:
    layout = layout_of(context)
    require_sealer(layout)
    return SealerClient(layout)


def _tell(fields: dict[str, Any], line: str, *, as_json: bool) -> None:
    if as_json:
        write_json(fields)
    else:
        write_line(line)
