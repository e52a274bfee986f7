"""What a generation is: a manifest, a projection for each service, a drop-in for each unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from psi.shared.errors import UNDECODABLE, PsiError
from psictl.apply.naming import folder_name
from psictl.apply.units.words import literal
from psictl.layout import Layout

CURRENT: Final = "current"
MANIFEST: Final = "generation.json"


class Generation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``generation.json``: what a generation came from."""

    number: int
    config_sha256: str
    """Of the YAML file: another one there now is not applied yet."""
    applied_at: float
    """Seconds since the epoch."""
    config: str
    """The path that it was read from."""
    previous: int = 0
    """The one that was in force when it was made; 0 for none."""


@dataclass(frozen=True)
class Content:
    """A generation whole."""

    manifest: Generation
    projections: Mapping[str, bytes]
    drop_ins: Mapping[str, bytes]
    """Empty below a development root, where no systemd reads any."""

    @property
    def number(self) -> int:
        """The generation's number."""
        return self.manifest.number


def neutral(drop_ins: Mapping[str, bytes], number: int, config_dir: Path) -> dict[str, bytes]:
    """Return drop-ins as they are apart from the number of the generation that they lie in."""
    named = literal(f"{config_dir}/{folder_name(number)}/").encode()
    return {name: text.replace(named, b"/") for name, text in drop_ins.items()}


def current_generation(layout: Layout) -> Generation | None:
    """Return the generation in force, or None before the first ``apply``.

    Raises PsiError where the folder cannot be read, as anyone but root finds it.
    """
    try:
        data = (layout.current / MANIFEST).read_bytes()
        return msgspec.json.decode(data, type=Generation)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PsiError(f"cannot read {layout.current}: {error.strerror}; run as root") from None
    except UNDECODABLE as error:
        raise PsiError(f"{layout.current} is damaged: {error}; run psictl apply") from None
