"""The folder of the configuration, and an example where there is nothing to lose."""

import os
from pathlib import Path
from typing import Final

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
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(SOURCE.read_bytes())
        told.append(f"{path}: written")
    return told
