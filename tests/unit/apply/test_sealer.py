"""What apply makes for the sealer: its projection, the host secret, an emulated device."""

import os
import stat
from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psi.shared.processes import Process
from psi.shared.projection import SealerProjection, decode_projection
from psictl.apply import apply
from psictl.apply.host_secret import NAME
from psictl.apply.stand_in import StandIn, write_stand_in
from psictl.layout import Layout
from tests.unit.apply.conftest import SEALED, VALID, Write


def _sealer(layout: Layout) -> SealerProjection:
    return decode_projection((layout.current / "sealer.json").read_bytes(), SealerProjection)


def _secret(layout: Layout) -> Path:
    return layout.config_dir / NAME


def test_a_backend_at_rest_gives_the_sealer_a_projection(layout: Layout, write: Write) -> None:
    result = apply(write(SEALED), layout)
    assert result.changed == (Process.SEALER, Process.BROKER)
    projection = _sealer(layout)
    assert (projection.backend, projection.state_dir) == ("tpm", str(layout.sealer_state))


def test_a_backend_in_memory_gives_none(layout: Layout, write: Write) -> None:
    apply(write(VALID + "cache: {backend: memory}\n"), layout)
    assert not (layout.current / "sealer.json").exists()
    assert not _secret(layout).exists()


def test_what_concerns_one_service_changes_it_alone(layout: Layout, write: Write) -> None:
    apply(write(SEALED), layout)
    changed = apply(write(SEALED + "sealer: {hold: per-operation}\n"), layout).changed
    assert changed == (Process.SEALER,)
    changed = apply(
        write(SEALED.replace("/web", "/x") + "sealer: {hold: per-operation}\n"), layout
    ).changed
    assert changed == (Process.BROKER,)


def test_a_sealer_that_is_not_needed_any_more_has_no_projection(
    layout: Layout, write: Write
) -> None:
    apply(write(SEALED), layout)
    result = apply(write(), layout)
    assert result.changed == (Process.BROKER,)
    assert not (layout.current / "sealer.json").exists()
    assert _secret(layout).exists()


def test_the_host_secret_is_made_once(layout: Layout, write: Write) -> None:
    before = os.umask(0)
    try:
        apply(write(SEALED), layout)
    finally:
        os.umask(before)
    made = _secret(layout).read_bytes()
    status = _secret(layout).stat()
    assert len(made) == 32
    assert (stat.S_IMODE(status.st_mode), status.st_nlink) == (0o600, 1)
    apply(write(SEALED + "audit: full\n"), layout)
    apply(write(), layout)
    apply(write(SEALED), layout)
    assert _secret(layout).read_bytes() == made


def test_two_hosts_have_two_secrets(layout: Layout, write: Write, tmp_path: Path) -> None:
    (tmp_path / "o").mkdir()
    other = Layout(tmp_path / "o") if len(str(tmp_path)) < 55 else Layout(layout.root / "o")
    apply(write(SEALED), layout)
    apply(write(SEALED), other)
    assert _secret(layout).read_bytes() != _secret(other).read_bytes()


def test_a_secret_that_was_lost_is_made_again_by_an_equal_configuration(
    layout: Layout, write: Write
) -> None:
    apply(write(SEALED), layout)
    _secret(layout).unlink()
    assert not apply(write(SEALED), layout).written
    assert len(_secret(layout).read_bytes()) == 32


def test_a_check_makes_no_secret(layout: Layout, write: Write) -> None:
    apply(write(SEALED), layout, check_only=True)
    assert not layout.config_dir.exists()


def test_what_an_ended_run_left_is_not_the_secret(layout: Layout, write: Write) -> None:
    apply(write(), layout)
    (layout.config_dir / ".host-secret-new").write_bytes(b"half")
    apply(write(SEALED), layout)
    assert len(_secret(layout).read_bytes()) == 32
    assert not (layout.config_dir / ".host-secret-new").exists()


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_secret_of_another_size_is_refused_and_kept(
    layout: Layout, write: Write, size: int
) -> None:
    apply(write(), layout)
    _secret(layout).write_bytes(b"x" * size)
    _secret(layout).chmod(0o600)
    with pytest.raises(PsiError, match="restore it from a backup"):
        apply(write(SEALED), layout)
    assert _secret(layout).read_bytes() == b"x" * size
    assert layout.current.readlink() == Path("gen-1")


def test_a_link_in_the_secrets_place_is_refused(
    layout: Layout, write: Write, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "secret"
    elsewhere.write_bytes(b"x" * 32)
    apply(write(), layout)
    _secret(layout).symlink_to(elsewhere)
    with pytest.raises(PsiError, match="restore it from a backup"):
        apply(write(SEALED), layout)


def test_a_secret_that_others_may_read_is_refused(layout: Layout, write: Write) -> None:
    apply(write(), layout)
    _secret(layout).write_bytes(b"x" * 32)
    _secret(layout).chmod(0o640)
    with pytest.raises(PsiError, match="open to others than root"):
        apply(write(SEALED), layout)


def test_an_emulated_device_stands_in(layout: Layout, write: Write) -> None:
    layout.run.mkdir()
    write_stand_in(layout, StandIn(backend="tpm", tcti="swtpm:path=/x/sock"))
    apply(write(VALID + "sealer: {hold: per-operation, tpm: {pcrs: [4], policy: pcr}}\n"), layout)
    projection = _sealer(layout)
    assert (projection.backend, projection.hold) == ("tpm", "per-operation")
    assert projection.tpm.tcti == "swtpm:path=/x/sock"
    assert (projection.tpm.pcrs, projection.tpm.policy) == ([4], "pcr")


def test_without_the_stand_in_the_configured_device_is_back(layout: Layout, write: Write) -> None:
    layout.run.mkdir()
    write_stand_in(layout, StandIn(backend="software"))
    apply(write(SEALED), layout)
    assert _sealer(layout).backend == "software"
    write_stand_in(layout, None)
    apply(write(SEALED), layout)
    assert _sealer(layout).tpm.tcti == "device:/dev/tpmrm0"
