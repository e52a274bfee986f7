"""This machine's settings of pip and its trusted certificates, for a pip in a chroot."""

import ast
import os
import sys
from pathlib import Path
from typing import Final

from tests.system.programs import run_program

LISTING_SECONDS: Final = 60.0
_CA_BUNDLE: Final = Path("/etc/ssl/certs/ca-certificates.crt")
_PASSED: Final = (
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
)  # fmt: skip  # one short list


def pip_environment() -> dict[str, str]:
    """Return pip's settings of this machine, from its files and variables, as variables."""
    listed = run_program([sys.executable, "-m", "pip", "config", "list"], LISTING_SECONDS)
    settings = {name: os.environ[name] for name in _PASSED if name in os.environ}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.partition(".")
        if section in {"global", ":env:"}:
            variable = "PIP_" + option.replace("-", "_").upper()
            settings[variable] = " ".join(str(ast.literal_eval(value)).split())
    return settings


def shown_paths(environment: dict[str, str]) -> list[Path]:
    """Return the machine's files and folders that these settings name, and its resolver's."""
    found = {path for path in (_CA_BUNDLE, Path("/etc/resolv.conf")) if path.exists()}
    for word in " ".join(environment.values()).split():
        path = Path(word.removeprefix("file://"))
        if path.is_absolute() and path.exists():
            # An index's pages name files beside it: file:///srv/pypi/simple needs /srv/pypi.
            found.add(path.parent if word.startswith("file:") else path)
    return sorted(path for path in found if not any(other in path.parents for other in found))
