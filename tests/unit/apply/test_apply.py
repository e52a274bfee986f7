"""One generation of everything derived: made, kept, told."""

import json
import os
import stat
from pathlib import Path

import pytest

from psi.shared.errors import ConfigError, PsiError
from psi.shared.processes import Process
from psi.shared.projection import BrokerProjection, decode_projection
from psictl.apply import apply, current_generation
from psictl.apply.store import KEPT
from psictl.layout import Layout
from tests.unit.apply.conftest import VALID, Write


def _projection(layout: Layout) -> BrokerProjection:
    return decode_projection((layout.current / "broker.json").read_bytes(), BrokerProjection)


def _tree(layout: Layout) -> dict[str, bytes | str]:
    """Return everything below the root: content of files, targets of links."""
    paths = sorted(path for path in layout.root.rglob("*") if path.is_symlink() or path.is_file())
    return {str(p): str(p.readlink()) if p.is_symlink() else p.read_bytes() for p in paths}


def test_the_first_generation(layout: Layout, write: Write) -> None:
    result = apply(write(), layout)
    assert (result.generation, result.written) == (1, True)
    assert (result.changed, result.notices) == ((Process.BROKER,), ())
    assert str(layout.current.readlink()) == "gen-1"
    projection = _projection(layout)
    assert (projection.generation, projection.state_dir) == (1, str(layout.state))


def test_only_root_reads_a_generation(layout: Layout, write: Write) -> None:
    before = os.umask(0)
    try:
        apply(write(), layout)
    finally:
        os.umask(before)
    folders = [layout.config_dir, layout.current.resolve()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in folders] == [0o700, 0o700]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in layout.current.iterdir()}
    assert modes == {0o600}


def test_the_manifest_says_what_it_came_from(layout: Layout, write: Write) -> None:
    assert current_generation(layout) is None
    config = write()
    apply(config, layout)
    manifest = current_generation(layout)
    assert manifest is not None
    assert (manifest.number, manifest.config) == (1, str(config))
    assert manifest.config_sha256 == _projection(layout).config_sha256
    fields = json.loads((layout.current / "generation.json").read_bytes())
    assert set(fields) == {"number", "config_sha256", "applied_at", "config", "previous"}


def test_an_unchanged_configuration_makes_no_generation(layout: Layout, write: Write) -> None:
    apply(write(), layout)
    before = _tree(layout)
    result = apply(write(), layout)
    assert (result.generation, result.written, result.changed) == (1, False, ())
    assert _tree(layout) == before


def test_a_changed_configuration_changes_the_broker(layout: Layout, write: Write) -> None:
    apply(write(), layout)
    result = apply(write(VALID.replace("/web", "/site")), layout)
    assert (result.generation, result.written, result.changed) == (2, True, (Process.BROKER,))
    assert _projection(layout).workloads["web"].sources[0].path == "/site"


def test_a_comment_makes_a_generation_but_changes_no_service(layout: Layout, write: Write) -> None:
    apply(write(), layout)
    before = (layout.current / "broker.json").read_bytes()
    result = apply(write(VALID + "# a comment\n"), layout)
    assert (result.generation, result.written, result.changed) == (2, True, ())
    assert (layout.current / "broker.json").read_bytes() == before


def test_a_file_that_the_configuration_names_counts_too(
    layout: Layout, write: Write, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one\n")
    text = VALID.replace("client_secret: hunter2", f"client_secret_file: {secret}")
    apply(write(text), layout)
    secret.write_text("two\n")
    result = apply(write(text), layout)
    assert (result.written, result.changed) == (True, (Process.BROKER,))


def test_old_generations_are_removed(layout: Layout, write: Write) -> None:
    for number in range(1, KEPT + 3):
        assert apply(write(VALID + f"# {number}\n"), layout).generation == number
    names = {path.name for path in layout.config_dir.glob("gen-*")}
    assert names == {"gen-3", "gen-4", "gen-5"}


def test_a_check_writes_nothing(layout: Layout, write: Write) -> None:
    result = apply(write(), layout, check_only=True)
    assert (result.generation, result.written) == (0, False)
    assert _tree(layout) == {}
    apply(write(), layout)
    assert apply(write(VALID + "# x\n"), layout, check_only=True).generation == 1


def test_a_bad_configuration_changes_nothing(layout: Layout, write: Write) -> None:
    apply(write(), layout)
    before = _tree(layout)
    with pytest.raises(ConfigError, match="unknown key"):
        apply(write(VALID + "nonsense: 1\n"), layout)
    assert _tree(layout) == before


def test_notices_are_handed_on(layout: Layout, write: Write) -> None:
    result = apply(write(VALID + "sealer: {hold: open}\n"), layout)
    assert "sealer: not used: cache.backend is none" in result.notices[0]


@pytest.mark.parametrize("damage", ["manifest", "projection", "version", "link", "target"])
def test_a_damaged_generation_is_replaced(layout: Layout, write: Write, damage: str) -> None:
    apply(write(), layout)
    projection = layout.current / "broker.json"
    if damage == "manifest":
        (layout.current / "generation.json").write_text("{")
    elif damage == "projection":
        projection.write_text("{")
    elif damage == "version":
        fields = json.loads(projection.read_bytes()) | {"of_another_version": 1}
        projection.write_text(json.dumps(fields))
    elif damage == "link":
        layout.current.unlink()
        layout.current.symlink_to("gen-9")
    else:
        layout.current.unlink()
        layout.current.symlink_to("/etc")
    result = apply(write(), layout)
    assert (result.written, result.changed) == (True, (Process.BROKER,))
    assert _projection(layout).generation == result.generation


def test_a_damaged_manifest_is_told(layout: Layout, write: Write) -> None:
    apply(write(), layout)
    (layout.current / "generation.json").write_text("{")
    with pytest.raises(PsiError, match=r"is damaged: .*; run psictl apply"):
        current_generation(layout)


def test_leftovers_of_an_ended_run_are_cleared(layout: Layout, write: Write) -> None:
    apply(write(), layout)
    building = layout.config_dir / ".building"
    building.mkdir()
    (building / "broker.json").write_text("{")
    (layout.config_dir / ".current-new").symlink_to("gen-7")
    assert apply(write(VALID + "# x\n"), layout).generation == 2
    names = {path.name for path in layout.config_dir.iterdir()}
    assert names == {".lock", "current", "gen-1", "gen-2"}


def test_a_folder_open_to_others_is_refused(layout: Layout, write: Write) -> None:
    layout.config_dir.mkdir(parents=True, mode=0o755)
    with pytest.raises(PsiError, match="is open to others"):
        apply(write(), layout)


def test_a_link_in_the_folders_place_is_refused(
    layout: Layout, write: Write, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    layout.config_dir.parent.mkdir(parents=True)
    layout.config_dir.symlink_to(elsewhere)
    with pytest.raises(PsiError, match="what was in force still is"):
        apply(write(), layout)
    assert list(elsewhere.iterdir()) == []


def test_a_link_in_a_new_files_place_is_refused(
    layout: Layout, write: Write, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    layout.config_dir.mkdir(parents=True, mode=0o700)
    (layout.config_dir / ".lock").symlink_to(victim)
    with pytest.raises(PsiError, match="cannot write"):
        apply(write(), layout)
    assert victim.read_text() == "precious"


def test_a_root_that_is_no_folder_is_refused(layout: Layout, write: Write) -> None:
    file = layout.root / "file"
    file.touch()
    with pytest.raises(PsiError, match="cannot write"):
        apply(write(), Layout(file))
