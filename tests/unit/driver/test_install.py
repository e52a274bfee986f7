"""psictl install: the file, a second run, and files that are in the way."""

import os
import tomllib
from pathlib import Path

import pytest

from psi.shared.errors import ConfigError, PsiError
from psictl.driver import driver_commands
from psictl.install.driver_conf import CONF_FILE, CONF_FOLDER, KEPT_FILE
from psictl.install.driver_conf import install_driver as install


def conf(root: Path) -> Path:
    return root.joinpath(*CONF_FOLDER, CONF_FILE)


def test_the_file_names_the_commands_and_no_default_driver(tmp_path: Path) -> None:
    installed = install(tmp_path)
    assert installed.changed
    assert conf(tmp_path).read_text() == installed.text
    assert tomllib.loads(installed.text) == {"secrets": {"opts": driver_commands()}}
    assert conf(tmp_path).stat().st_mode & 0o777 == 0o644


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    install(tmp_path)
    before = conf(tmp_path).stat().st_ino
    assert install(tmp_path).changed is False
    assert conf(tmp_path).stat().st_ino == before


def test_stdout_writes_nothing(tmp_path: Path) -> None:
    installed = install(tmp_path, stdout=True)
    assert "[secrets.opts]" in installed.text
    assert list(tmp_path.iterdir()) == []


def test_the_default_driver_is_set_and_taken_back(tmp_path: Path) -> None:
    install(tmp_path, default_driver=True)
    assert tomllib.loads(conf(tmp_path).read_text())["secrets"]["driver"] == "shell"
    assert install(tmp_path).changed
    assert "driver" not in tomllib.loads(conf(tmp_path).read_text())["secrets"]


def test_a_foreign_file_is_kept_beside_and_the_message_says_so(tmp_path: Path) -> None:
    conf(tmp_path).parent.mkdir(parents=True)
    conf(tmp_path).write_text('[secrets]\ndriver = "shell"\n')
    installed = install(tmp_path)
    assert conf(tmp_path).with_name(KEPT_FILE).read_text() == '[secrets]\ndriver = "shell"\n'
    assert conf(tmp_path).read_text() == installed.text
    assert any("was not written by psictl" in message for message in installed.messages)


def test_two_foreign_files_are_left_alone(tmp_path: Path) -> None:
    conf(tmp_path).parent.mkdir(parents=True)
    conf(tmp_path).write_text("[engine]\n")
    conf(tmp_path).with_name(KEPT_FILE).write_text("[network]\n")
    with pytest.raises(ConfigError, match="move one of them away"):
        install(tmp_path)
    assert conf(tmp_path).read_text() == "[engine]\n"


def test_a_link_in_the_files_place_is_not_followed(tmp_path: Path) -> None:
    conf(tmp_path).parent.mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    conf(tmp_path).symlink_to(victim)
    with pytest.raises(ConfigError, match="in the way"):
        install(tmp_path)
    assert victim.read_text() == "untouched"


def test_without_curl_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(PsiError, match="curl was not found"):
        install(tmp_path, environment={"PATH": os.devnull})
    assert list(tmp_path.iterdir()) == []
