"""``psictl apply`` as a person runs it: what it says, and how it exits."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from psictl.layout import Layout
from tests.unit.apply.conftest import VALID, Write

SECONDS = 60
Psictl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def psictl(layout: Layout) -> Psictl:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "psictl", "--root", str(layout.root), "apply"]
        return subprocess.run(
            [*command, *arguments], capture_output=True, text=True, timeout=SECONDS, check=False
        )

    return run


def test_it_says_which_generation_is_in_force(psictl: Psictl, write: Write) -> None:
    config = str(write())
    assert psictl("--config", config).stdout == "generation 1 is in force\n"
    assert psictl("--config", config).stdout == "generation 1 is in force already\n"
    assert psictl("--config", config, "--check").stdout == "the configuration is valid\n"


def test_it_goes_back(psictl: Psictl, write: Write) -> None:
    for path in ("/a", "/b"):
        psictl("--config", str(write(VALID.replace("/web", path))))
    assert psictl("--rollback").stdout == "generation 1 is in force again\n"
    again = psictl("--rollback")
    assert again.returncode == 1
    assert "no whole generation before" in again.stderr


@pytest.mark.parametrize("other", [["--check"], ["--config", "x"]])
def test_going_back_takes_no_file(psictl: Psictl, write: Write, other: list[str]) -> None:
    psictl("--config", str(write()))
    done = psictl("--rollback", *other)
    assert done.returncode == 2
    assert "--rollback takes what is on disk" in done.stderr


def test_its_object_has_all_that_was_done(psictl: Psictl, write: Write) -> None:
    told = json.loads(psictl("--config", str(write()), "--json").stdout)
    assert told == {
        "schema": 1,
        "generation": 1,
        "written": True,
        "changed": ["broker"],
        "restarted": [],
        "started": [],
        "stopped": [],
        "failed": [],
        "notices": [],
    }


def test_errors_are_all_told_and_nothing_is_changed(
    psictl: Psictl, write: Write, layout: Layout
) -> None:
    done = psictl("--config", str(write(VALID + "one: 1\ntwo: 2\n")))
    assert done.returncode == 2
    assert done.stderr.count("unknown key") == 2
    assert not layout.config_dir.exists()
