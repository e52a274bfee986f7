"""A copy of the source tree with its import layout, to be spoiled, built or linted."""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGES = ("services", "shared", "psictl")
_BUILT_FROM = ("tests/contract", "systemd", "benchmarks", "docs", "demo", "scripts")
_FILES = (
    "pyproject.toml", "hatch_build.py", "README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE",
    "Makefile", ".gitignore",
)  # fmt: skip
_IGNORED = shutil.ignore_patterns("__pycache__", "recordings", "*.egg-info")


def service_names() -> list[str]:
    """Return the folders of services/."""
    services = (ROOT / "services").iterdir()
    return sorted(each.name for each in services if each.is_dir() and each.name != "__pycache__")


def import_names() -> list[str]:
    """Return the packages that the tree holds, as they are imported."""
    return ["psi.shared", *(f"psi.{name}" for name in service_names()), "psictl"]


def copy_tree(target: Path, *, whole: bool = False) -> Path:
    """Copy the sources, and if ``whole`` what belongs to a source distribution too."""
    for name in (*PACKAGES, *(_BUILT_FROM if whole else ())):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=_IGNORED)
    for name in _FILES:
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, target / name)
    return target


def link_packages(tree: Path) -> dict[str, str]:
    """Link the packages of a copy as they are imported; return the environment that uses them."""
    links = tree / "build/dev"
    (links / "psi").mkdir(parents=True)
    for name in service_names():
        (links / "psi" / name).symlink_to(tree / "services" / name)
    (links / "psi/shared").symlink_to(tree / "shared")
    (links / "psictl").symlink_to(tree / "psictl")
    return {**os.environ, "PYTHONPATH": str(links)}
