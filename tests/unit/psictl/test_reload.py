"""systemd is reloaded where it runs, and psictl says so where it does not."""

from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psictl.layout import Layout
from psictl.setup.reload import reload_systemd


@pytest.fixture
def booted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that stands for a booted systemd, with a systemctl of ours in the PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def systemctl(folder: Path, text: str) -> None:
    (folder / "systemctl").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "systemctl").chmod(0o755)


def test_systemd_is_reloaded(booted: Path) -> None:
    systemctl(booted, f'echo "$@" > {booted}/called')
    assert reload_systemd(Layout(), booted) == "systemd was reloaded"
    assert (booted / "called").read_text() == "daemon-reload\n"


def test_a_refusal_is_an_error_with_its_text(booted: Path) -> None:
    systemctl(booted, 'printf "Access \\033[31mdenied\\n" >&2; exit 1')
    with pytest.raises(PsiError, match=r"failed: Access \?\[31mdenied"):
        reload_systemd(Layout(), booted)


def test_another_root_is_not_reloaded(booted: Path) -> None:
    systemctl(booted, "exit 1")
    assert "not this host's own" in reload_systemd(Layout(Path("/srv/other")), booted)


def test_a_host_without_systemd_is_not_reloaded(booted: Path) -> None:
    systemctl(booted, "exit 1")
    assert "does not run here" in reload_systemd(Layout(), booted / "absent")


def test_a_missing_systemctl_is_an_error(booted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(booted / "empty"))
    with pytest.raises(PsiError, match="did not run"):
        reload_systemd(Layout(), booted)
