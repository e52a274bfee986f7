"""``psictl credential``: what the configuration names by ``…_credential``, kept by systemd."""

from typing import Annotated, Any

import typer

from psi.shared.errors import ConfigError
from psi.shared.secret import SecretBytes
from psictl.cli import layout_of
from psictl.config.fields import MAX_SECRET
from psictl.config.outside import parse_free_credential
from psictl.credentials import Credential, CredentialStore
from psictl.layout import Layout
from psictl.output import say, write_json, write_line, write_table
from psictl.secret_input import read_secret
from psictl.systemd_creds import KEYS, encrypt

app = typer.Typer(help="Credentials that the services are given.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(metavar="NAME")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("set")
def set_credential(
    context: typer.Context,
    name: _Name,
    *,
    with_key: Annotated[
        str, typer.Option(metavar="KEY", help=f"Encrypt with one of {', '.join(KEYS)}.")
    ] = "auto",
    plain: Annotated[
        bool, typer.Option("--plain", help="Do not encrypt: a file that root alone can read.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Keep a credential, encrypted by systemd-creds for this host alone.

    The value is stdin, or asked for without echo; a newline at its end does not count.

    Example: psictl credential set infisical-secret
    """
    layout = layout_of(context)
    parse_free_credential(name)
    if with_key not in KEYS:
        raise ConfigError(f"--with-key takes one of {', '.join(KEYS)}")
    if not (plain or layout.is_host):
        say(f"below {layout.root} it is not encrypted, for psictl dev reads it in clear")
    store, encrypted = CredentialStore(layout), layout.is_host and not plain
    _refuse_shadowed(store, name, encrypted=encrypted)
    value = _read(name)
    content = value.reveal()
    if encrypted:
        made = encrypt(name, value, with_key)
        content = made.content
        if made.remark:
            say(made.remark)
    written = store.write(name, content, encrypted=encrypted)
    advice = _advice(written, layout)
    others = [each for each in store.find(name) if not each.encrypted and each != written]
    if as_json:
        write_json({**_fields(written), "next": advice})
        return
    write_line(f"{written.path}: written; {advice}")
    for other in others:
        say(f"{other.path} is there too, in clear: psictl credential remove --plain {name}")


@app.command("list")
def list_credentials(context: typer.Context, *, as_json: _Json = False) -> None:
    """Show which credentials there are, and which service is given them; never a value.

    Example: psictl credential list
    """
    found = CredentialStore(layout_of(context)).all()
    if as_json:
        write_json({"credentials": [_fields(each) for each in found]})
        return
    rows = [(each.name, _kind(each), each.unit if each.loaded else "-") for each in found]
    write_table(("NAME", "KEPT", "GIVEN TO"), rows)


@app.command("remove")
def remove_credential(
    context: typer.Context,
    name: _Name,
    *,
    plain: Annotated[
        bool, typer.Option("--plain", help="Only the one that is not encrypted.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Even if a service cannot start without it.")
    ] = False,
) -> None:
    """Remove a credential.

    Example: psictl credential remove infisical-secret
    """
    parse_free_credential(name)
    store = CredentialStore(layout_of(context))
    found = [each for each in store.find(name) if not (plain and each.encrypted)]
    if not found:
        raise ConfigError(f"there is no credential {name}; psictl credential list shows all")
    for each in found:
        if each.loaded and not force:
            raise ConfigError(
                f"{each.unit} cannot start without {each.path}: take it out of the configuration "
                "and psictl apply, or say --force"
            )
    for each in found:
        store.remove(each)
        write_line(f"{each.path}: removed")


def _refuse_shadowed(store: CredentialStore, name: str, *, encrypted: bool) -> None:
    """Refuse a value that would not count, before it is asked for."""
    if not encrypted and any(each.encrypted for each in store.find(name)):
        raise ConfigError(
            f"{name} is there encrypted, and that one counts: leave --plain out, or first "
            f"psictl credential remove {name}"
        )


def _read(name: str) -> SecretBytes:
    value = read_secret(f"{name}: ", MAX_SECRET)
    if b"\0" in value.reveal():
        raise ConfigError("the value has a NUL byte; this is no credential")
    if not value.reveal().removesuffix(b"\n"):
        raise ConfigError("nothing but a newline was given; nothing was changed")
    return value


def _advice(written: Credential, layout: Layout) -> str:
    if not written.unit:
        return "name it in the configuration, then psictl apply"
    if not written.loaded:
        return f"psictl apply gives it to {written.unit}"
    if layout.is_host:
        return f"it counts from the next start: systemctl restart {written.unit}"
    return "psictl dev gives it to its services from its next start"


def _kind(credential: Credential) -> str:
    return "encrypted" if credential.encrypted else "in clear"


def _fields(credential: Credential) -> dict[str, Any]:
    return {
        "name": credential.name,
        "path": str(credential.path),
        "encrypted": credential.encrypted,
        "unit": credential.unit if credential.loaded else None,
    }
