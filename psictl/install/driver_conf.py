"""Tell Podman's shell driver how to reach PSI (containers.conf(5))."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psi.shared.errors import ConfigError
from psictl.driver import HEADER, HTTP_SOCKET, driver_commands, render_containers_conf
from psictl.podman.curl_probe import probe_curl
from psictl.quadlet.placement import open_folder, place, read, remove

CONF_FOLDER: Final = ("etc", "containers", "containers.conf.d")
CONF_FILE: Final = "psi.conf"
KEPT_FILE: Final = "psi.conf.before-psictl"
"""Podman reads names ending in .conf only, so the kept file has no effect."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What install did: the text of the file, and lines to tell on stderr."""

    text: str
    changed: bool
    messages: tuple[str, ...]


def install_driver(
    root: Path,
    *,
    stdout: bool = False,
    default_driver: bool = False,
    socket_path: str = HTTP_SOCKET,
    environment: Mapping[str, str] | None = None,
) -> Installed:
    """Write the driver's commands below ``root``, or with ``stdout`` only return their text.

    Runs curl first, to learn whether ``-w`` may stay (r17). A second run changes nothing. A
    file that psictl did not write is kept beside as KEPT_FILE, and the messages say so.
    Raises PsiError where curl does not work, ConfigError where something is in the way.
    """
    probe = probe_curl(environment)
    commands = driver_commands(socket_path, with_reason=probe.with_reason)
    text = render_containers_conf(commands, default_driver=default_driver)
    messages = [probe.message]
    if stdout:
        return Installed(text, changed=False, messages=tuple(messages))
    changed, told = _write(root, text.encode())
    return Installed(text, changed, (*messages, *told))


def is_written(root: Path, text: str) -> bool:
    """Whether the file is there with this text; raises ConfigError as install_driver."""
    path = root.joinpath(*CONF_FOLDER, CONF_FILE)
    if not path.parent.is_dir():
        return False
    with open_folder(root, *CONF_FOLDER) as folder:
        present = read(folder, CONF_FILE)
        if present is not None and not present.startswith(HEADER.encode()):
            _check_kept(folder, path, present)
    return present == text.encode()


def remove_driver(root: Path) -> list[str]:
    """Remove the file if psictl wrote it, put back what was there before; return what was done."""
    path = root.joinpath(*CONF_FOLDER, CONF_FILE)
    if not path.parent.is_dir():
        return []
    with open_folder(root, *CONF_FOLDER) as folder:
        present = read(folder, CONF_FILE)
        if present is None or not present.startswith(HEADER.encode()):
            return []
        kept = read(folder, KEPT_FILE)
        if kept is None:
            remove(folder, CONF_FILE)
            return [f"{path}: removed"]
        place(folder, CONF_FILE, kept)
        remove(folder, KEPT_FILE)
    return [f"{path}: as it was before psictl install"]


def _write(root: Path, content: bytes) -> tuple[bool, list[str]]:
    path = root.joinpath(*CONF_FOLDER, CONF_FILE)
    with open_folder(root, *CONF_FOLDER) as folder:
        told = _keep_foreign(folder, path)
        changed = place(folder, CONF_FILE, content)
    return changed, [*told, f"{path}: {'written' if changed else 'unchanged'}"]


def _keep_foreign(folder: int, path: Path) -> list[str]:
    present = read(folder, CONF_FILE)
    if present is None or present.startswith(HEADER.encode()):
        return []
    _check_kept(folder, path, present)
    place(folder, KEPT_FILE, present)
    kept = path.with_name(KEPT_FILE)
    return [f"{path} was not written by psictl: its content is now in {kept}"]


def _check_kept(folder: int, path: Path, present: bytes) -> None:
    if read(folder, KEPT_FILE) not in {None, present}:
        kept = path.with_name(KEPT_FILE)
        raise ConfigError(
            f"{path} was not written by psictl, and {kept} exists already: move one of them away"
        )
