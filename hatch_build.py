"""Make editable installs possible: one link per package under build/dev.

hatchling refuses a development install when a path rewrite changes a prefix
(``services/broker`` is imported as ``psi.broker``), so the editable install points at
a folder of links that has the import layout.
"""

import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class DevelopmentLinks(BuildHookInterface[Any]):
    """Lay out ``build/dev/psi/<package>`` and ``build/dev/psictl`` before an editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Rebuild the links; wheels and sdists need none."""
        if version != "editable":
            return
        root = Path(self.root)
        links = root / "build" / "dev"
        shutil.rmtree(links, ignore_errors=True)
        (links / "psi").mkdir(parents=True)
        for folder in (*sorted((root / "services").iterdir()), root / "shared"):
            if (folder / "__init__.py").is_file():
                (links / "psi" / folder.name).symlink_to(folder)
        (links / "psictl").symlink_to(root / "psictl")
