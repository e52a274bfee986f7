"""Emulated devices: their state, what the sealer is told of them, and what to install."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from psi.shared.errors import ConfigError, PsiError
from psi.shared.secret import SecretBytes
from psictl.dev.device import prepare_device
from psictl.dev.emulator import run_program
from psictl.layout import Layout


@pytest.fixture
def no_programs(tmp_path: Path) -> Iterator[None]:
    """Look for programs in an empty folder, as on a host without them."""
    before = os.environ["PATH"]
    os.environ["PATH"] = str(tmp_path)
    yield
    os.environ["PATH"] = before


def test_software_needs_nothing(layout: Layout) -> None:
    device = prepare_device("software", layout)
    assert (device.stand_in.backend, device.argv, dict(device.environment)) == ("software", (), {})
    assert device.listens()


def test_a_tpm_lies_in_the_device_folder(layout: Layout) -> None:
    device = prepare_device("swtpm", layout)
    folder = layout.development_device
    assert device.stand_in.backend == "tpm"
    assert device.stand_in.tcti == f"swtpm:path={folder}/sock"
    assert f"dir={folder}" in device.argv
    assert not device.listens()


def test_a_token_is_made_once(layout: Layout) -> None:
    device = prepare_device("softhsm", layout)
    folder = layout.development_device
    assert device.environment == {"SOFTHSM2_CONF": f"{folder}/softhsm2.conf"}
    token = device.stand_in.pkcs11
    assert token is not None
    assert (token.token_label, token.key_label, token.pin) == (
        "psi-dev",
        "psi",
        SecretBytes(b"1234"),
    )
    made = sorted(folder.rglob("*.object"))
    assert len(made) == 3
    assert prepare_device("softhsm", layout).stand_in == device.stand_in
    assert sorted(folder.rglob("*.object")) == made


def test_a_token_that_was_begun_only_is_made_anew(layout: Layout) -> None:
    prepare_device("softhsm", layout)
    folder = layout.development_device
    (folder / "token-made").unlink()
    prepare_device("softhsm", layout)
    assert len(list((folder / "tokens").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "told"),
    [("swtpm", "apt-get install swtpm"), ("softhsm", "apt-get install softhsm2 opensc")],
)
def test_an_emulator_that_is_missing_is_told_with_its_package(
    layout: Layout, no_programs: None, name: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        prepare_device(name, layout)
    assert caught.value.exit_code == 2


def test_what_a_failing_program_said_is_told() -> None:
    with pytest.raises(PsiError, match=r"failed and said: no token\?; remove the dev-device"):
        run_program(["/bin/sh", "-c", 'printf "x\\nno token\\033\\n"; exit 1'], {})


def test_a_program_that_cannot_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(PsiError, match="did not run"):
        run_program([str(tmp_path)], {})
