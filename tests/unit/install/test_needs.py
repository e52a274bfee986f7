"""What a host lacks is said by the package's name, all at once, before anything is begun."""

from dataclasses import replace
from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psictl.install import needs
from psictl.install.interpreter import Interpreter, ask
from psictl.install.needs import LIBRARIES, SYSTEMD_TOOLS, check
from tests.unit.install.conftest import INTERPRETERS, Machine
from tests.unit.install.programs import write_program

ALL_LIBRARIES = "\\n".join(f"\\t{name} (libc6,x86-64) => /lib/{name}" for name in LIBRARIES)
COMPILER = ("gcc", "libc6-dev", "pkg-config", "libtss2-dev")


class Lacking:
    """A PATH with everything, from which programs can be taken."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        for name in (*SYSTEMD_TOOLS, "cc", "pkg-config"):
            write_program(folder, name, "exit 0")
        write_program(folder, "ldconfig", f"printf '{ALL_LIBRARIES}\\n'")
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setattr("psictl.install.programs._PATH", "")
        self.include = folder / "include"
        self.include.mkdir()
        (self.include / "Python.h").touch()
        self.release = folder / "os-release"
        self.release.write_text('ID=debian\nVERSION_ID="13"\n')
        monkeypatch.setattr(needs, "OS_RELEASE", self.release)
        python = write_program(folder, "python", "exit 0")
        self.interpreter = Interpreter(str(python), str(python), (3, 13), str(self.include))

    def without(self, *names: str) -> None:
        for name in names:
            (self.folder / name).unlink()

    def check(self, *, tpm: bool = True, build: bool = True) -> None:
        check(self.interpreter, host=True, build=build, compile_tpm=tpm, load_tpm=tpm)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lacking:
    return Lacking(tmp_path / "bin", monkeypatch)


def missing(host: Lacking, *, tpm: bool = True, build: bool = True) -> str:
    with pytest.raises(PsiError, match="missing, and nothing was changed") as told:
        host.check(tpm=tpm, build=build)
    return str(told.value)


def test_a_host_with_everything_passes(host: Lacking) -> None:
    host.check()


def test_a_missing_compiler(host: Lacking) -> None:
    host.without("cc")
    assert "install gcc libc6-dev, which tpm2-pytss is compiled with" in missing(host)
    assert "--without-tpm" in missing(host)


def test_a_missing_pkg_config(host: Lacking) -> None:
    host.without("pkg-config")
    assert "install pkg-config libtss2-dev," in missing(host)


def test_missing_headers_of_the_tss(host: Lacking) -> None:
    write_program(host.folder, "pkg-config", "exit 1")
    assert "install libtss2-dev," in missing(host)


def test_missing_headers_of_python(host: Lacking) -> None:
    (host.include / "Python.h").unlink()
    assert "install python3.13-dev," in missing(host)


def test_all_is_said_at_once(host: Lacking) -> None:
    host.without("cc", "pkg-config", "systemd-analyze")
    (host.include / "Python.h").unlink()
    write_program(host.folder, "python", "exit 1")
    told = missing(host)
    assert (
        "install systemd python3.13-venv gcc libc6-dev pkg-config libtss2-dev python3.13-dev"
        in told
    )


def test_without_a_tpm_no_compiler_and_no_library_is_asked_for(host: Lacking) -> None:
    host.without("cc", "pkg-config", "ldconfig")
    host.check(tpm=False)


def test_what_makes_environments_is_asked_for_only_to_make_one(host: Lacking) -> None:
    write_program(host.folder, "python", "exit 1")
    assert "install python3.13-venv" in missing(host)
    host.check(build=False)


@pytest.mark.parametrize("tool", SYSTEMD_TOOLS)
def test_a_missing_tool_of_systemd(tool: str, host: Lacking) -> None:
    host.without(tool)
    assert missing(host).endswith("apt-get install systemd")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("release", ["12", "13"])
def test_a_missing_library_is_named_by_its_package(
    library: str, release: str, host: Lacking
) -> None:
    present = ALL_LIBRARIES.replace(f"\\t{library} ", "\\tother ")
    write_program(host.folder, "ldconfig", f"printf '{present}\\n'")
    host.release.write_text(f'ID=debian\nVERSION_ID="{release}"\n')
    package = LIBRARIES[library][release]
    assert f"apt-get install {package}, which the sealer loads for a TPM" in missing(host)


def test_on_another_system_the_library_is_named(host: Lacking) -> None:
    write_program(host.folder, "ldconfig", "true")
    host.release.write_text('ID=fedora\nVERSION_ID="13"\n')
    assert "(the package with libtss2-esys.so.0)" in missing(host)


def test_a_package_that_is_staged_needs_no_libraries_here(host: Lacking) -> None:
    write_program(host.folder, "ldconfig", "true")
    host.without(*SYSTEMD_TOOLS)
    check(host.interpreter, host=False, build=True, compile_tpm=True, load_tpm=False)


def test_a_host_that_lacks_something_is_not_changed(
    machine: Machine, host: Lacking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{host.folder}:/usr/bin:/bin")
    write_program(host.folder, "ldconfig", "true")
    with pytest.raises(PsiError, match="libtss2-esys"):
        machine.install(tpm=True)
    assert list(machine.root.iterdir()) == []
    assert machine.host.log == []


def test_an_interpreter_tells_what_it_is() -> None:
    python = ask(INTERPRETERS[0])
    assert python.real == str(Path(INTERPRETERS[0]).resolve())
    assert python.name == Path(python.real).name
    assert replace(python, version=(3, 12)).tag == "cp312"
