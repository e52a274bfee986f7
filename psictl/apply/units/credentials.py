"""What a service is given to read: its projection, and the credentials that it names.

By absolute paths: a file that is missing then keeps the service from starting, where a bare name
would silently be left out (systemd.exec(5), LoadCredential=).
"""

from collections.abc import Collection
from pathlib import Path

from psi.shared.errors import PsiError
from psi.shared.processes import Process
from psictl.apply.units.circumstances import Circumstances
from psictl.apply.units.words import literal
from psictl.layout import Layout

CONFIG = "config.json"


def credential_file(layout: Layout, name: str) -> Path:
    """Return where a named credential lies; the encrypted one counts where there are two."""
    encrypted = layout.credstore_encrypted / name
    return encrypted if is_there(encrypted) else layout.credstore / name


def is_there(path: Path) -> bool:
    """Tell whether a credential's file is there; raises PsiError where that cannot be known."""
    try:
        return path.is_file()
    except OSError as error:
        raise PsiError(f"cannot look into {path.parent}: {error.strerror}; run as root") from None


def projection_line(host: Circumstances, process: Process) -> str:
    """Return the setting that gives a service its projection."""
    return load_line(CONFIG, host.projection(process))


def load_line(name: str, path: Path) -> str:
    """Return the setting that gives a service a file in clear."""
    return f"LoadCredential={name}:{literal(str(path))}"


def named_lines(host: Circumstances, names: Collection[str]) -> list[str]:
    """Return the settings that give a service the credentials that the configuration names."""
    return [_named_line(host.layout, name) for name in sorted(names)]


def _named_line(layout: Layout, name: str) -> str:
    path = credential_file(layout, name)
    if path.parent == layout.credstore_encrypted:
        return f"LoadCredentialEncrypted={name}:{literal(str(path))}"
    return load_line(name, path)
