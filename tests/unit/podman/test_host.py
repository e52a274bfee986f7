"""The private Podman of the tests and the demo: what can be told without running it."""

import os
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from psictl.driver import driver_commands, render_containers_conf
from tests.fakes.podman_host.host import SCRIPT, SHORT_FOLDER, PodmanHost
from tests.fakes.podman_host.trial import PROGRAMS, missing_packages


def test_all_packages_are_named_where_nothing_is_there() -> None:
    assert missing_packages(os.devnull) == list(PROGRAMS.values())


def test_none_is_named_where_all_are_there(tmp_path: Path) -> None:
    for name in PROGRAMS:
        (tmp_path / name).touch(mode=0o755)
    assert missing_packages(str(tmp_path)) == []


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=SHORT_FOLDER) as made:
        yield Path(made)


def test_a_long_folder_is_refused_for_conmon_could_not_be_watched(folder: Path) -> None:
    with pytest.raises(ValueError, match="longer than"):
        PodmanHost.create(folder / ("long" * 10))


def test_the_configuration_is_toml_and_private(folder: Path) -> None:
    commands = driver_commands()
    host = PodmanHost.create(folder, render_containers_conf(commands))
    conf = tomllib.loads(Path(host.variables["CONTAINERS_CONF"]).read_text())
    storage = tomllib.loads(Path(host.variables["CONTAINERS_STORAGE_CONF"]).read_text())["storage"]
    assert conf["secrets"]["opts"] == commands
    for place in (conf["engine"]["tmp_dir"], storage["graphroot"], storage["runroot"]):
        assert Path(place).is_relative_to(folder)


def test_the_script_without_a_command_is_a_usage_error() -> None:
    done = subprocess.run([SCRIPT], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"usage" in done.stderr
