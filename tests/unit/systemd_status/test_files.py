"""Installed files and generated drop-ins that differ from what install and apply would make."""

from collections.abc import Callable
from pathlib import Path

import pytest

from psictl.install.places import PREFIX
from psictl.systemd.files import installed_places
from tests.unit.systemd_status.stage import Stage

UNIT = "/usr/lib/systemd/system/psi-pki.service"
CURRENT = "/etc/psi/generated/current"
LINK = "/etc/systemd/system/psi-broker.service.d/50-psi.conf"


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _current(stage: Stage) -> Path:
    return stage.layout.generated / "current"


def _replace(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def _leave_behind(stage: Stage) -> None:
    old = stage.unit_file("psi-old.service")
    old.write_text(stage.unit_file("psi-pki.service").read_text())


def _occupy(stage: Stage) -> None:
    stage.link("psi-broker.service").unlink()
    stage.link("psi-broker.service").write_text("[Service]\nNice=1\n")


def _strand(stage: Stage) -> None:
    folder = stage.link("psi-pki.service").parent
    folder.mkdir()
    stage.link("psi-pki.service").symlink_to(_current(stage) / "psi-pki.service.conf")


DIFFERS: dict[str, tuple[Callable[[Stage], object], str]] = {
    "an edited unit": (
        lambda stage: _edit(stage.unit_file("psi-pki.service"), "PrivateNetwork=yes\n", ""),
        f"{UNIT} is not what this psictl installs: psictl install",
    ),
    "a lost unit": (
        lambda stage: stage.unit_file("psi-pki.service").unlink(),
        f"{UNIT} is missing: psictl install",
    ),
    "somebody's own unit": (
        lambda stage: stage.unit_file("psi-pki.service").write_text("[Service]\n"),
        f"{UNIT} was not written by psictl install: move it away, then psictl install",
    ),
    "lost folders of tmpfiles": (
        lambda stage: stage.places.below("/usr/lib/tmpfiles.d/psi.conf").unlink(),
        "/usr/lib/tmpfiles.d/psi.conf is missing: psictl install",
    ),
    "a unit of another version": (
        _leave_behind,
        "/usr/lib/systemd/system/psi-old.service belongs to no unit of this version",
    ),
    "an install that was cut off": (
        lambda stage: stage.places.unfinished.touch(),
        "/usr/lib/psi/current was switched by an install that did not end: psictl install",
    ),
    "no psictl for people": (
        lambda stage: stage.places.launcher.unlink(),
        "/usr/local/bin/psictl is missing: psictl install",
    ),
    "another psictl for people": (
        lambda stage: _replace(stage.places.launcher, "/opt/psictl"),
        "psictl is not the installed one: ",
    ),
    "a lost link": (
        lambda stage: stage.link("psi-broker.service").unlink(),
        f"{LINK} is missing: the unit runs without its configuration: psictl apply",
    ),
    "somebody's own link": (
        lambda stage: _replace(stage.link("psi-broker.service"), "/etc/other.conf"),
        f"{LINK} is not the link of psictl apply: ",
    ),
    "a file in a link's place": (_occupy, f"{LINK} is not the link of psictl apply: "),
    "a link to nothing": (
        _strand,
        "/etc/systemd/system/psi-pki.service.d/50-psi.conf leads to nothing: psictl apply",
    ),
    "a link that systemd did not read": (
        lambda stage: stage.say("psi-broker.service", DropInPaths=""),
        (f"{LINK} has not been read by systemd: "
        "systemctl daemon-reload; systemctl restart psi-broker.service"),
    ),
    "an edited drop-in": (
        lambda stage: _edit(_current(stage) / "psi-broker.service.conf", "config.json", "c.json"),
        f"{CURRENT}/psi-broker.service.conf is not what psictl apply would make: psictl apply",
    ),
    "an apply that was cut off": (
        lambda stage: (stage.layout.config_dir / "loaded").unlink(),
        "psictl apply did not come to its end when it was run last: psictl apply",
    ),
}  # fmt: skip  # one row, one difference


@pytest.mark.parametrize("difference", DIFFERS)
def test_what_differs_is_told_with_its_remedy(stage: Stage, difference: str) -> None:
    change, told = DIFFERS[difference]
    change(stage)
    status = stage.read()
    assert status.exit_code == 3
    assert str(status.problems[0]).startswith(told)


def test_a_drop_in_that_nobody_derives_is_told(stage: Stage) -> None:
    (_current(stage) / "psi-pki.service.conf").write_text("[Service]\n")
    assert stage.told() == [
        (
            "/etc/systemd/system/psi-pki.service.d/50-psi.conf is missing: "
            "the unit runs without its configuration: psictl apply"
        ),
        f"{CURRENT}/psi-pki.service.conf is not in what psictl apply would make: psictl apply",
    ]


def test_a_lost_drop_in_leaves_its_link_to_nothing(stage: Stage) -> None:
    (_current(stage) / "psi-broker.service.conf").unlink()
    assert stage.told() == [
        f"{LINK} leads to nothing: psictl apply",
        f"{CURRENT}/psi-broker.service.conf is missing: psictl apply",
    ]


@pytest.mark.parametrize(
    ("target", "told"), [(None, "is not there"), ("gen-99", "leads to nothing")]
)
def test_without_a_generation_it_is_down(stage: Stage, target: str | None, told: str) -> None:
    _current(stage).unlink()
    if target:
        _current(stage).symlink_to(target)
    status = stage.read()
    assert status.exit_code == 4
    assert str(status.problems[-1]) == f"{CURRENT} {told}: psictl apply"


def test_without_programs_it_is_down(stage: Stage) -> None:
    stage.places.current.unlink()
    status = stage.read()
    assert status.exit_code == 4
    told = [str(problem) for problem in status.problems if problem.down]
    assert told == ["/usr/lib/psi/current leads to no programs: psictl install"]


@pytest.mark.parametrize("text", ["# a comment\n", "workload: {}\n"])
def test_an_edit_that_is_not_applied_is_not_compared_and_says_so(stage: Stage, text: str) -> None:
    stage.config.write_text(stage.config.read_text() + text)
    status = stage.read()
    assert status.problems == ()
    (told,) = status.unread
    assert told.endswith(f"{stage.config} is not as it was applied; psictl apply")


def test_what_cannot_be_read_is_said_and_is_no_difference(stage: Stage) -> None:
    """As for anyone but root, to whom the folder is closed; root meets a link in a circle."""
    _replace(_current(stage), "current")
    status = stage.read()
    assert (status.problems, status.exit_code) == ((), 0)
    assert status.unread == (
        f"{_current(stage)}: Too many levels of symbolic links; what apply made is not compared",
    )


def test_an_unreadable_unit_file_is_said(stage: Stage) -> None:
    file = stage.unit_file("psi-pki.service")
    _replace(file, file.name)
    status = stage.read()
    assert status.problems == ()
    assert status.unread == (f"{UNIT}: Too many levels of symbolic links",)


def test_psictl_knows_the_prefix_that_it_runs_from(tmp_path: Path) -> None:
    home = tmp_path / "opt/psi"
    programs = home / "versions/1/psictl"
    programs.mkdir(parents=True)
    assert installed_places(Path("/"), str(programs)).prefix == PREFIX
    (home / "root").mkdir()
    (home / "current").symlink_to("versions/1")
    for path in (programs, home / "current/psictl"):
        assert installed_places(Path("/"), str(path)).prefix in {str(home), PREFIX}
