"""The folder of the configuration, and an example where there is nothing to lose."""

from pathlib import Path
from typing import Final

from psictl.quadlet.placement import open_folder, place

NAME: Final = "config.yaml.example"
SOURCE: Final = Path(__file__).with_name(NAME)


def write_example(folder: Path) -> list[str]:
    """Make the folder, and the example unless it or a configuration is there; say what was done."""
    told = []
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o700)
        told.append(f"{folder}: made")
    path = folder / NAME
    if not path.exists() and not (folder / "config.yaml").exists():
        with open_folder(folder) as opened:
            place(opened, NAME, SOURCE.read_bytes(), 0o600)
        told.append(f"{path}: written")
    return told
