"""Podman by its command, against the stand-in that says 5.4.2."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from psi.shared.errors import InvalidName
from psictl.podman.command import CommandPodman
from psictl.podman.errors import (
    NameInUse,
    NameRefused,
    NoSuchSecret,
    PodmanError,
    PodmanUnreachable,
)
from psictl.podman.interface import is_id

FAKE = Path(__file__).parents[2] / "fakes" / "podman"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return dict(os.environ) | {"FAKE_PODMAN_DIR": str(tmp_path / "podman")}


@pytest.fixture
def podman(environment: dict[str, str]) -> CommandPodman:
    return CommandPodman([sys.executable, str(FAKE)], environment)


def commands(folder: Path, **changed: str) -> dict[str, str]:
    """Return a driver that keeps payloads in files."""
    file = f"'{folder}'/$SECRET_ID"
    kept = {"store": f"cat > {file}", "lookup": f"cat {file}", "delete": f"rm -f {file}"}
    return {**kept, "list": "true", **changed}


def script(path: Path, text: str) -> CommandPodman:
    """Return a Podman that is a shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return CommandPodman([str(path)])


def test_the_version_is_read(podman: CommandPodman) -> None:
    assert podman.version() == (5, 4, 2)


def test_a_created_secret_is_listed_with_its_driver_and_options(
    podman: CommandPodman, tmp_path: Path
) -> None:
    driver = commands(tmp_path)
    created = podman.create("myapp--K", b"payload\r\n\0", driver)
    (secret,) = podman.secrets()
    assert (secret.id, secret.name, secret.driver) == (created, "myapp--K", "shell")
    assert secret.options == driver
    assert podman.inspect("myapp--K") == secret
    assert (tmp_path / created).read_bytes() == b"payload\r\n\0"


def test_a_removed_secret_is_gone(podman: CommandPodman, tmp_path: Path) -> None:
    created = podman.create("myapp--K", b"x", commands(tmp_path))
    podman.remove("myapp--K")
    assert podman.secrets() == []
    assert podman.inspect("myapp--K") is None
    assert not (tmp_path / created).exists()


def test_what_the_store_command_prints_does_not_spoil_the_id(
    podman: CommandPodman, tmp_path: Path
) -> None:
    assert is_id(
        podman.create("a--K", b"x", commands(tmp_path, store="echo noise; cat >/dev/null"))
    )


def test_other_secrets_are_not_listed(
    podman: CommandPodman, environment: dict[str, str], tmp_path: Path
) -> None:
    for name in ("plain-one", "new\nline"):
        subprocess.run(
            [sys.executable, FAKE, "secret", "create", name, "-"],
            input=b"x",
            env=environment,
            check=True,
            capture_output=True,
        )
    podman.create("a--K", b"x", commands(tmp_path))
    assert [secret.name for secret in podman.secrets()] == ["a--K"]


def test_a_name_in_use_is_told_apart(podman: CommandPodman, tmp_path: Path) -> None:
    podman.create("a--K", b"x", commands(tmp_path))
    with pytest.raises(NameInUse, match="remove or rename"):
        podman.create("a--K", b"x", commands(tmp_path))


def test_an_unknown_name_is_told_apart(podman: CommandPodman) -> None:
    with pytest.raises(NoSuchSecret, match="nope--K"):
        podman.remove("nope--K")


def test_a_template_name_is_refused_below_podman_5(
    environment: dict[str, str], tmp_path: Path
) -> None:
    old = CommandPodman([sys.executable, str(FAKE)], environment | {"FAKE_PODMAN_VERSION": "4.3.1"})
    with pytest.raises(NameRefused, match=r"Podman 5\.0"):
        old.create("w@--K", b"x", commands(tmp_path))


def test_a_template_name_is_taken_by_podman_5(podman: CommandPodman, tmp_path: Path) -> None:
    assert is_id(podman.create("w@--K", b"x", commands(tmp_path)))


def test_the_reason_of_a_failed_store_is_in_the_error(
    podman: CommandPodman, tmp_path: Path
) -> None:
    store = "printf 'psi: outside every workload\\033[2J\\n' >&2; exit 22"
    with pytest.raises(PodmanError, match=r"psi: outside every workload\?\[2J") as caught:
        podman.create("a--K", b"x", commands(tmp_path, store=store))
    assert "\x1b" not in str(caught.value)


def test_an_empty_payload_is_refused(podman: CommandPodman, tmp_path: Path) -> None:
    with pytest.raises(PodmanError, match="larger than 0"):
        podman.create("a--K", b"", commands(tmp_path))


def test_a_name_that_is_an_option_never_reaches_podman(
    podman: CommandPodman, tmp_path: Path
) -> None:
    with pytest.raises(InvalidName):
        podman.remove("--all")
    with pytest.raises(InvalidName):
        podman.create("--help", b"x", commands(tmp_path))
    with pytest.raises(InvalidName):
        podman.inspect("-f--K")


def test_a_missing_program_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(PodmanUnreachable, match="install podman"):
        CommandPodman([str(tmp_path / "none")]).version()


def test_a_podman_that_hangs_is_ended_at_the_deadline(tmp_path: Path) -> None:
    hanging = script(tmp_path / "podman", "exec sleep 60")
    with pytest.raises(PodmanUnreachable, match=r"did not end within 0\.2 s"):
        CommandPodman(hanging.program, seconds=0.2).version()


def test_ids_that_are_none_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(PodmanError, match="no id"):
        script(tmp_path / "podman", "echo --all").secrets()


def test_a_create_that_gives_no_id_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PodmanError, match="gave no id"):
        script(tmp_path / "podman", "echo done").create("a--K", b"x", {})


def test_a_failure_without_a_word_still_tells_its_exit_code(tmp_path: Path) -> None:
    with pytest.raises(PodmanError, match="exit 7"):
        script(tmp_path / "podman", "exit 7").secrets()


def test_a_secret_removed_between_list_and_inspect_is_passed_over(tmp_path: Path) -> None:
    gone, kept = "0" * 25, "1" * 25
    driver = {"Name": "shell", "Options": {}}
    found = json.dumps([{"ID": kept, "Spec": {"Name": "a--K", "Driver": driver}}])
    text = f"""case "$2" in
ls) printf '{gone}\\n{kept}\\n' ;;
inspect) echo '{found}'; echo 'Error: no secret with name or id "{gone}": no such secret' >&2
    exit 125 ;;
esac"""
    (secret,) = script(tmp_path / "podman", text).secrets()
    assert secret.id == kept


def test_another_failure_of_inspect_is_an_error(tmp_path: Path) -> None:
    text = f"[ $2 = ls ] && exec echo {'0' * 25}; echo '[]'; echo 'Error: broken' >&2; exit 125"
    with pytest.raises(PodmanError, match="broken"):
        script(tmp_path / "podman", text).secrets()
