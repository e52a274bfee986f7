"""From a configuration's text to the drop-ins that follow from it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from psictl.apply.requirements import check_requirements
from psictl.apply.units import drop_ins
from psictl.apply.units.circumstances import Circumstances
from psictl.config import ConfigInvalid, LoadedConfig, load
from psictl.config.projection import broker_projection, sealer_projection
from psictl.layout import Layout

SHA256 = "0" * 64
Derive = Callable[..., dict[str, str]]
"""Takes a configuration's text; ``groups`` are the host's."""
Missing = Callable[[str], list[str]]
"""Takes a configuration's text and returns what the host lacks, as ``LINE: key: text``."""


@pytest.fixture
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return Layout(tmp_path_factory.mktemp("r"))


def _loaded(folder: Path, text: str) -> LoadedConfig:
    path = folder / "config.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return load(path)


def _host(loaded: LoadedConfig, layout: Layout, groups: tuple[str, ...] = ()) -> Circumstances:
    origin = {"generation": 7, "config_sha256": SHA256}
    broker = broker_projection(loaded.config, state_dir=layout.state, **origin)  # type: ignore[arg-type]  # two kinds of values
    sealer = sealer_projection(loaded.config, state_dir=layout.sealer_state, **origin)  # type: ignore[arg-type]  # as above
    return Circumstances(layout, 7, loaded.config.cache, broker, sealer, groups.__contains__)


@pytest.fixture
def derive(layout: Layout, tmp_path: Path) -> Derive:
    def run(text: str, *groups: str) -> dict[str, str]:
        host = _host(_loaded(tmp_path, text), layout, groups)
        return {name: content.decode() for name, content in drop_ins(host).items()}

    return run


@pytest.fixture
def missing(layout: Layout, tmp_path: Path) -> Missing:
    def run(text: str) -> list[str]:
        loaded = _loaded(tmp_path, text)
        try:
            check_requirements(loaded, _host(loaded, layout))
        except ConfigInvalid as invalid:
            return [line.removeprefix(f"{tmp_path}/config.yaml:") for line in invalid.errors]
        return []

    return run


def settings(text: str, section: str) -> list[str]:
    """Return the lines of a drop-in's section, comments left out."""
    found: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line == f"[{section}]"
        elif inside and line and not line.startswith("#"):
            found.append(line)
    return found
