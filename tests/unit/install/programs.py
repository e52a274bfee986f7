"""Programs in a folder of their own, each a line of shell."""

from pathlib import Path


def write_program(folder: Path, name: str, does: str) -> Path:
    """Write a program; it is found where PATH names the folder."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return path
