"""Files put in place together: all or none, and nobody else's."""

import os
from pathlib import Path

import pytest

from psi.shared.errors import ConfigError, PsiError
from psictl.install import texts
from psictl.install.rendering import HEADER

UNITS = "/usr/lib/systemd/system"
WANTED = {f"{UNITS}/a.service": f"{HEADER}a", f"{UNITS}/b.service.d/10.conf": f"{HEADER}b"}


def put(root: Path, path: str, text: str) -> Path:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def all_files(root: Path) -> dict[str, str]:
    return {f"/{p.relative_to(root)}": p.read_text() for p in root.rglob("*") if p.is_file()}


def test_all_are_written(tmp_path: Path) -> None:
    changes = texts.changes(tmp_path, WANTED, ())
    assert [change.told for change in changes] == ["written", "written"]
    texts.write(tmp_path, changes)
    assert all_files(tmp_path) == WANTED
    assert all(p.stat().st_mode & 0o777 == 0o644 for p in tmp_path.rglob("*") if p.is_file())


def test_what_is_there_is_no_change(tmp_path: Path) -> None:
    texts.write(tmp_path, texts.changes(tmp_path, WANTED, ()))
    assert texts.changes(tmp_path, WANTED, WANTED) == []


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    texts.changes(tmp_path, WANTED, [f"{UNITS}/old.timer"])
    assert list(tmp_path.iterdir()) == []


def test_an_older_text_is_replaced(tmp_path: Path) -> None:
    put(tmp_path, f"{UNITS}/a.service", f"{HEADER}older")
    changes = texts.changes(tmp_path, WANTED, ())
    assert changes[0].told == "replaced"
    texts.write(tmp_path, changes)
    assert all_files(tmp_path) == WANTED


def test_somebody_elses_file_is_in_the_way(tmp_path: Path) -> None:
    put(tmp_path, f"{UNITS}/a.service", "[Unit]\n")
    with pytest.raises(ConfigError, match=r"a\.service was not written by psictl install"):
        texts.changes(tmp_path, WANTED, ())


def test_a_link_is_in_the_way(tmp_path: Path) -> None:
    victim = put(tmp_path, "/victim", HEADER)
    file = tmp_path / f"{UNITS}/a.service".lstrip("/")
    file.parent.mkdir(parents=True)
    file.symlink_to(victim)
    with pytest.raises(ConfigError, match="in the way"):
        texts.changes(tmp_path, WANTED, ())


def test_what_is_not_shipped_any_more_is_removed(tmp_path: Path) -> None:
    put(tmp_path, f"{UNITS}/old.timer", f"{HEADER}old")
    put(tmp_path, f"{UNITS}/old.service.d/10.conf", f"{HEADER}old")
    dropped = [f"{UNITS}/old.timer", f"{UNITS}/old.service.d/10.conf", f"{UNITS}/gone.timer"]
    changes = texts.changes(tmp_path, {}, dropped)
    assert [change.told for change in changes] == ["removed", "removed"]
    texts.remove(tmp_path, changes)
    assert all_files(tmp_path) == {}
    assert not (tmp_path / UNITS.lstrip("/") / "old.service.d").exists()


def test_a_removed_drop_in_leaves_a_folder_with_others(tmp_path: Path) -> None:
    put(tmp_path, f"{UNITS}/x.service.d/10.conf", f"{HEADER}old")
    other = put(tmp_path, f"{UNITS}/x.service.d/20-mine.conf", "mine")
    texts.remove(tmp_path, texts.changes(tmp_path, {}, [f"{UNITS}/x.service.d/10.conf"]))
    assert all_files(tmp_path) == {f"/{other.relative_to(tmp_path)}": "mine"}


def test_somebody_elses_file_is_not_removed(tmp_path: Path) -> None:
    put(tmp_path, f"{UNITS}/old.timer", "[Timer]\n")
    assert texts.changes(tmp_path, {}, [f"{UNITS}/old.timer"]) == []


@pytest.mark.parametrize("failing", [1, 2, 3, 4])
def test_a_failure_leaves_the_old_files_alone(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both files are written beside and renamed: four steps that a full disk may refuse."""
    put(tmp_path, f"{UNITS}/a.service", f"{HEADER}older")
    before = all_files(tmp_path)
    changes = texts.changes(tmp_path, WANTED, ())
    left = [failing]

    def fail(*_: object, **__: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(28, "No space left on device")

    true_fsync, true_rename = os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda d: (fail(), true_fsync(d)))
    monkeypatch.setattr(os, "rename", lambda *a, **k: (fail(), true_rename(*a, **k)))
    with pytest.raises(PsiError, match="No space left on device"):
        texts.write(tmp_path, changes)
    assert all_files(tmp_path) == before


def test_what_was_put_in_place_is_taken_back(tmp_path: Path) -> None:
    put(tmp_path, f"{UNITS}/a.service", f"{HEADER}older")
    before = all_files(tmp_path)
    changes = texts.changes(tmp_path, WANTED, ())
    texts.write(tmp_path, changes)
    texts.take_back(tmp_path, changes)
    assert all_files(tmp_path) == before


def test_only_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    left = put(tmp_path, f"{UNITS}/.a.service.0123456789abcdef", "half")
    kept = put(tmp_path, f"{UNITS}/.a.service.mine", "mine")
    texts.sweep(tmp_path, WANTED)
    assert (left.exists(), kept.exists()) == (False, True)
