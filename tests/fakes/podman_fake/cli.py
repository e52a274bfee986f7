"""The command lines of the stand-in podman, and what Podman 5.4.2 prints for them."""

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.fakes.podman_fake.store import (
    VERSION,
    Info,
    PodmanError,
    Secrets,
    driver_options,
    locked,
)


def say(line: str) -> None:
    """Print a line at once: a driver command may print next."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def show(template: str, fields: Mapping[str, str]) -> str:
    """Fill a Go template of plain fields; a bare word is printed as it stands, ``json`` too."""
    return re.sub(r"\{\{\s*\.(\w+(?:\.\w+)?)\s*\}\}", lambda match: fields[match[1]], template)


def secret_create(options: argparse.Namespace) -> None:
    """Create a secret and print its id."""
    try:
        piped = options.file == "-"
        payload = sys.stdin.buffer.read() if piped else Path(options.file).read_bytes()
    except OSError as error:
        raise PodmanError(f"open {options.file}: {str(error.strerror).lower()}") from error
    with locked() as store:
        commands = driver_options(options.driver_opts)
        say(store.create(options.name, payload, options.driver, commands))


def secret_ls(options: argparse.Namespace) -> None:
    """Print a line for each secret."""
    with locked() as store:
        infos = list(store.by_id.values())
    rows = [
        {"ID": info["ID"], "Name": info["Spec"]["Name"], "Driver": info["Spec"]["Driver"]["Name"]}
        for info in infos
    ]
    for row in rows:
        say(show(options.format, row))


def secret_inspect(options: argparse.Namespace) -> None:
    """Print those that exist, then fail if one does not."""
    found: list[Info] = []
    failed: list[str] = []
    with locked() as store:
        for name in options.names:
            try:
                found.append(store.find(name))
            except PodmanError as error:
                failed.append(str(error))
    say(json.dumps(found, indent=4))
    for text in failed[1:]:
        sys.stderr.write(f"error inspecting secret: {text}\n")
    if failed:
        raise PodmanError(f"inspecting secret: {failed[0]}")


def secret_rm(options: argparse.Namespace) -> None:
    """Remove secrets and print their ids."""
    with locked() as store:
        for name in options.names:
            say(store.remove(name))


def version(options: argparse.Namespace) -> None:
    """Print the version that this stand-in has."""
    say(show(options.format, {"Client.Version": VERSION}))


def run(options: argparse.Namespace) -> None:
    """Become the command, with the secrets."""
    variables = dict(os.environ)
    with locked() as store:
        for text in options.secret:
            name, *words = text.split(",")
            settings = {"type": "mount", "target": name, **settings_in(words)}
            try:
                info = store.find(name)
            except PodmanError as error:
                raise PodmanError(f"running container create option: {error}") from error
            if settings["type"] == "env":
                # The kernel ends a variable at its first NUL; Podman says nothing about it.
                value = lookup(store, info, code=126).split(b"\0")[0]
                variables[settings["target"]] = os.fsdecode(value)
            else:
                target = store.folder / "mounts" / settings["target"].lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(lookup(store, info, code=125))
    try:
        os.execvpe(options.command[0], options.command, variables)  # noqa: S606  # as run does
    except OSError as error:
        raise PodmanError(
            f"exec {options.command[0]}: {str(error.strerror).lower()}", 127
        ) from error


def settings_in(words: Sequence[str]) -> dict[str, str]:
    """Read ``key=value`` words."""
    return {key: value for key, _, value in (word.partition("=") for word in words)}


def lookup(store: Secrets, info: Info, code: int) -> bytes:
    """Return a value, or fail with the exit code that Podman gives at this point."""
    try:
        return store.lookup(info)
    except PodmanError as error:
        raise PodmanError(str(error), code) from error


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; exit 2 and a usage line for what Podman would not take."""
    parser = argparse.ArgumentParser(prog="podman", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"podman version {VERSION}")
    commands = parser.add_subparsers(required=True)
    told = commands.add_parser("version")
    told.add_argument("--format", default="{{.Client.Version}}")
    told.set_defaults(act=version)
    started = commands.add_parser("run", allow_abbrev=False)
    started.add_argument("--rm", action="store_true")
    started.add_argument("--secret", action="append", default=[])
    started.add_argument("image")
    started.add_argument("command", nargs=argparse.REMAINDER)
    started.set_defaults(act=run)
    add_secret_commands(commands.add_parser("secret").add_subparsers(required=True))
    return parser.parse_args(arguments)


def add_secret_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add create, ls, inspect and rm."""
    create = commands.add_parser("create", allow_abbrev=False)
    create.add_argument("--driver", default="file")
    create.add_argument("--driver-opts", action="append", default=[])
    create.add_argument("name")
    create.add_argument("file")
    create.set_defaults(act=secret_create)
    listed = commands.add_parser("ls")
    listed.add_argument("--format", default="{{.ID}}  {{.Name}}  {{.Driver}}")
    listed.set_defaults(act=secret_ls)
    for name, act in (("inspect", secret_inspect), ("rm", secret_rm)):
        command = commands.add_parser(name)
        command.add_argument("names", nargs="+")
        command.set_defaults(act=act)


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    options = parse(arguments)
    try:
        options.act(options)
    except PodmanError as error:
        sys.stdout.flush()
        sys.stderr.write(f"Error: {error}\n")
        return error.code
    return 0
