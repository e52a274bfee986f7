"""The shipped files, and what another prefix or interpreter adds to them."""

from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psictl.install import shipped
from psictl.install.places import UNITS, Places
from psictl.install.rendering import HEADER, render
from psictl.install.shipped import (
    ANY_SYSTEMD,
    SINCE_254,
    Shipped,
    read_shipped,
    shipped_folder,
    unit_names,
)

DEBIAN = "/usr/bin/python3.11"
SERVICE = f"{UNITS}/psi-x.service"
TEXT = """\
[Service]
ExecStart=/usr/lib/psi/current/x/bin/python3 -I -m psi.x
RootDirectory=/usr/lib/psi/root
BindReadOnlyPaths=/usr:/usr:norbind
BindReadOnlyPaths=-/run/x
NoExecPaths=+/
ExecPaths=-+/usr/bin/python3.11
ExecPaths=+/usr/lib
ReadOnlyPaths=-+/usr/bin/python3.11
ReadOnlyPaths=+/usr/lib
ReadWritePaths=/var/lib/psi
"""


def rendered(prefix: str, interpreter: str = DEBIAN, text: str = TEXT) -> list[str]:
    texts = render(Shipped({SERVICE: text}), Places(prefix=prefix), interpreter)
    assert texts[SERVICE].startswith(HEADER)
    return texts[SERVICE].removeprefix(HEADER).splitlines()


def test_for_the_usual_prefix_the_files_are_as_they_are_shipped() -> None:
    source = read_shipped(shipped_folder(), ANY_SYSTEMD)
    for path, text in render(source, Places(), DEBIAN).items():
        assert text == HEADER + source.texts[path]


def test_another_prefix_below_usr_may_be_executed() -> None:
    lines = rendered("/usr/local/psi")
    assert "ExecStart=/usr/local/psi/current/x/bin/python3 -I -m psi.x" in lines
    assert "RootDirectory=/usr/local/psi/root" in lines
    assert lines[lines.index("ExecPaths=+/usr/lib") + 1] == "ExecPaths=+/usr/local/psi"
    assert lines[lines.index("ReadOnlyPaths=+/usr/lib") + 1] == "ReadOnlyPaths=+/usr/local/psi"
    assert not any("BindReadOnlyPaths=/usr/local" in line for line in lines)


def test_a_prefix_outside_usr_is_bound_too() -> None:
    lines = rendered("/opt/psi")
    place = lines.index("BindReadOnlyPaths=-/run/x") + 1
    assert lines[place] == "BindReadOnlyPaths=/opt/psi:/opt/psi:norbind"


def test_an_interpreter_that_no_unit_names_may_be_executed() -> None:
    assert "ExecPaths=+/usr/bin/python3.14" in rendered("/usr/lib/psi", "/usr/bin/python3.14")
    assert rendered("/usr/lib/psi") == TEXT.splitlines()


def test_a_service_that_sees_all_needs_no_more_lines() -> None:
    text = "[Service]\nExecStart=/usr/lib/psi/current/psictl/bin/psictl setup\n"
    assert rendered("/opt/psi", text=text) == [
        "[Service]", "ExecStart=/opt/psi/current/psictl/bin/psictl setup",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["/usr/lib/psionic", "/usr/lib/psi-old/x", "/usr/lib/psi.d"])
def test_a_path_that_only_begins_like_the_prefix_is_left_alone(word: str) -> None:
    assert f"# {word}" in rendered("/opt/psi", text=f"# {word}\n")


def test_the_drop_ins_for_a_newer_systemd_are_left_out_before_it() -> None:
    folder = shipped_folder()
    older, newer = read_shipped(folder, SINCE_254 - 1).texts, read_shipped(folder, SINCE_254).texts
    added = set(newer) - set(older)
    assert f"{UNITS}/psi-broker.service.d/10-systemd-254.conf" in added
    assert all(".d/" in path and path.startswith(UNITS) for path in added)


def test_what_is_shipped_has_its_places() -> None:
    source = read_shipped(shipped_folder(), ANY_SYSTEMD)
    assert {"/usr/lib/sysusers.d/psi.conf", "/usr/lib/tmpfiles.d/psi.conf"} < set(source.texts)
    assert {"psi.target", "psi-frontend.socket", "psi-broker.service"} < set(source.units)
    assert "psi-broker.service" in source.services
    assert "psi-frontend.socket" not in source.services


def test_drop_ins_and_other_files_are_no_units() -> None:
    paths = [f"{UNITS}/psi.target", f"{UNITS}/psi.target.d/10.conf", "/usr/lib/sysusers.d/psi.conf"]
    assert unit_names(paths) == ["psi.target"]


def test_a_psictl_without_its_units_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "__file__", str(tmp_path / "psictl/install/shipped.py"))
    with pytest.raises(PsiError, match="came without its unit files"):
        shipped_folder()
