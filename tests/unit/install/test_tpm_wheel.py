"""tpm2-pytss: compiled where no wheel is, and then not shown FAPI."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psictl.install.interpreter import ask
from psictl.install.pip import Pip
from psictl.install.tpm_wheel import compile_wheel, find_wheel, keep
from tests.fakes.install.wheels import write_wheel
from tests.unit.install.conftest import INTERPRETERS
from tests.unit.install.programs import write_program


@dataclass(frozen=True)
class FakePip(Pip):
    """A pip that notes what it is to build, and builds something of a name."""

    name: str = "tpm2_pytss"
    calls: list[tuple[str, tuple[str, ...], list[str]]] = field(default_factory=list)

    def wheel(
        self,
        requirement: str,
        folder: Path,
        *options: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        visible = Path((environment or {})["PKG_CONFIG_LIBDIR"])
        assert all(link.is_symlink() for link in visible.iterdir())
        self.calls.append((requirement, options, sorted(link.name for link in visible.iterdir())))
        write_wheel(folder, self.name, "3.0.0")


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePip:
    write_program(tmp_path / "bin", "pkg-config", "echo /usr/lib/pkgconfig")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    return FakePip(tmp_path, None)


def test_it_is_compiled_without_fapi_and_without_the_cache(pip: FakePip, tmp_path: Path) -> None:
    compile_wheel("tpm2-pytss<4,>=3.0", pip, tmp_path, tmp_path)
    ((requirement, options, visible),) = pip.calls
    assert requirement == "tpm2-pytss<4,>=3.0"
    assert set(options) == {"--no-cache-dir", "--no-binary", "tpm2-pytss"}
    assert visible == [f"tss2-{part}.pc" for part in ("esys", "mu", "rc", "sys", "tctildr")]


def test_a_pip_that_makes_something_else_is_told_of(pip: FakePip, tmp_path: Path) -> None:
    other = FakePip(tmp_path, None, name="other")
    with pytest.raises(PsiError, match="pip made no wheel of tpm2-pytss"):
        compile_wheel("tpm2-pytss", other, tmp_path, tmp_path)


def test_a_pkg_config_that_does_not_know_it(pip: FakePip, tmp_path: Path) -> None:
    write_program(tmp_path / "bin", "pkg-config", "echo no such package >&2; exit 1")
    with pytest.raises(PsiError, match="pkg-config does not know libtss2: no such package"):
        compile_wheel("tpm2-pytss", pip, tmp_path, tmp_path)


def test_a_wheel_for_this_interpreter_is_found_in_order(tmp_path: Path) -> None:
    python = ask(INTERPRETERS[0])
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert find_wheel(python, None, first, second) is None
    write_wheel(first, "tpm2_pytss", "3.0.0", "cp39")
    there = write_wheel(second, "tpm2_pytss", "3.0.0", python.tag)
    assert find_wheel(python, None, first, second) == there


def test_a_wheel_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    wheel = write_wheel(tmp_path, "tpm2_pytss", "3.0.0")
    keep(wheel, tmp_path / "wheels")
    keep(tmp_path / "wheels" / wheel.name, tmp_path / "wheels")
    assert (tmp_path / "wheels" / wheel.name).read_bytes() == wheel.read_bytes()
