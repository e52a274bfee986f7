"""What is built from the tree: the same wheel twice, an editable install, and who needs what."""

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from email.parser import Parser
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.unit.shared.source_tree import PACKAGES, ROOT, copy_tree, import_names, service_names

_SECONDS = 120
_UNITS = "psictl/install/systemd/"
_SHOW_UNITS = "from psictl.install.shipped import shipped_folder; print(shipped_folder())"
_EXAMPLE = "psictl/install/config.yaml.example"
_SITE_PACKAGES = Path(pytest.__file__).parents[1]


class Built(NamedTuple):
    """The tree's copy and what was built from it."""

    tree: Path
    sdist: Path
    wheel: Path
    """From the tree itself."""
    wheel_of_sdist: Path
    editable: Path


def python(*arguments: str | Path, cwd: Path | None = None) -> str:
    """Run this environment's python; its output, or an error that shows it."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build everything once, with the hatchling of this environment: no network is needed."""
    tree = copy_tree(tmp_path_factory.mktemp("tree"), whole=True)
    out = tmp_path_factory.mktemp("out")
    for folder, wanted in (("both", ()), ("direct", ("--wheel",))):
        python("-m", "build", "-q", "--no-isolation", "-o", out / folder, *wanted, tree)
    (out / "editable").mkdir()
    backend = "import sys, hatchling.build; hatchling.build.build_editable(sys.argv[1])"
    python("-c", backend, out / "editable", cwd=tree)
    (sdist,), (wheel,) = (out / "both").glob("*.tar.gz"), (out / "direct").glob("*.whl")
    (wheel_of_sdist,), (editable,) = (out / "both").glob("*.whl"), (out / "editable").glob("*.whl")
    return Built(tree, sdist, wheel, wheel_of_sdist, editable)


def _content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _expected(tree: Path) -> set[str]:
    """Return the files that the packages of a tree have, by their places in a wheel."""
    found = set()
    for folder in PACKAGES:
        for file in (tree / folder).rglob("*"):
            if file.is_file():
                place = str(file.relative_to(tree))
                place = place.replace("services/", "psi/", 1).replace("shared/", "psi/shared/", 1)
                found.add(place)
    units = (file for file in (tree / "systemd").rglob("*") if file.is_file())
    return found | {f"psictl/install/{file.relative_to(tree)}" for file in units}


def test_the_wheel_holds_the_packages_and_nothing_else(built: Built) -> None:
    names = {name for name in _content(built.wheel) if ".dist-info/" not in name}
    assert names == _expected(built.tree)
    assert names >= {"psi/frontend/__main__.py", "psi/shared/messages/base.py", "psictl/cli.py"}
    code = {name for name in names if not name.startswith((_UNITS, _EXAMPLE))}
    assert {Path(name).suffix for name in code} == {".py", ".typed"}


def test_the_wheel_has_the_unit_files(built: Built) -> None:
    """Without them psictl install would have nothing to put in place."""
    content = _content(built.wheel)
    units = {name: data for name, data in content.items() if name.startswith(_UNITS)}
    assert {Path(name).suffix for name in units} >= {".service", ".socket", ".target", ".conf"}
    for name, data in units.items():
        assert data == (ROOT / "systemd" / name.removeprefix(_UNITS)).read_bytes()


def test_psi_is_a_namespace(built: Built) -> None:
    assert "psi/__init__.py" not in _content(built.wheel)


def test_every_package_is_typed(built: Built) -> None:
    names = set(_content(built.wheel))
    for package in import_names():
        assert f"{package.replace('.', '/')}/py.typed" in names


def test_the_wheel_of_the_sdist_is_the_same(built: Built) -> None:
    """With links in the tree, hatchling's default walk made an empty one."""
    assert _content(built.wheel_of_sdist) == _content(built.wheel)


def test_the_sdist_holds_the_sources_and_what_builds_them(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {
        str(file.relative_to(built.tree))
        for folder in PACKAGES
        for file in (built.tree / folder).rglob("*")
        if file.is_file()
    }
    assert names >= sources
    units = [file for file in (built.tree / "systemd").rglob("*") if file.is_file()]
    assert units
    assert names >= {str(file.relative_to(built.tree)) for file in units}
    assert names >= {"pyproject.toml", "hatch_build.py", "LICENSE", "README.md", "PKG-INFO"}
    assert not any(name.startswith(("build/", ".venv/", ".git/")) for name in names)


def test_the_licence_is_in_the_wheel(built: Built) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in _content(built.wheel))


def _requirements(built: Built, extra: str) -> set[str]:
    """Return the projects that an extra asks for, by the wheel's own metadata."""
    (metadata,) = (data for name, data in _content(built.wheel).items() if "/METADATA" in name)
    lines: list[str] = Parser().parsestr(metadata.decode()).get_all("Requires-Dist", [])
    wanted = [line for line in lines if f"extra == '{extra}'" in line.replace('"', "'")]
    names = [line.partition(";")[0].strip() for line in wanted]
    return {name.partition("<")[0].partition(">")[0].partition("=")[0] for name in names}


@pytest.mark.parametrize(
    ("extra", "needed"),
    [
        ("frontend", {"uvloop", "sdnotify"}),
        ("broker", {"httpx", "cryptography", "uvloop", "sdnotify"}),
        ("pki", {"cryptography", "sdnotify"}),
        ("aws", {"botocore"}),
        ("sealer", {"cryptography", "sdnotify"}),
        ("tpm", {"tpm2-pytss"}),
        ("pkcs11", {"python-pkcs11"}),
        ("ctl", {"pyyaml", "httpx", "rich", "typer", "python-dotenv"}),
    ],
)
def test_an_extra_brings_its_process_and_no_more(
    extra: str, needed: set[str], built: Built
) -> None:
    assert _requirements(built, extra) == needed


def test_each_service_has_its_extra(built: Built) -> None:
    for name in service_names():
        assert _requirements(built, name)


def test_only_msgspec_is_needed_by_all(built: Built) -> None:
    (metadata,) = (data for name, data in _content(built.wheel).items() if "/METADATA" in name)
    lines: list[str] = Parser().parsestr(metadata.decode()).get_all("Requires-Dist", [])
    (always,) = [line for line in lines if "extra ==" not in line]
    assert always.startswith("msgspec")


class Installed:
    """A fresh virtual environment that has the suite and, behind it, this one's libraries."""

    def __init__(self, place: Path, wheel: Path) -> None:
        self.place = place
        python("-m", "venv", "--without-pip", place)
        pip = ("-m", "pip", "--python", place / "bin/python", "--disable-pip-version-check")
        python(*pip, "install", "-q", "--no-deps", "--no-index", "--no-compile", wheel)
        (self.site,) = place.glob("lib/python3.*/site-packages")
        # As a path line, so that no link file of this environment's own install is read.
        (self.site / "zz-libraries.pth").write_text(f"{_SITE_PACKAGES}\n")

    def run(self, program: str, arguments: Sequence[str]) -> str:
        """Run one of its programs, from a folder without sources."""
        done = subprocess.run(
            [self.place / "bin" / program, *arguments],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def files_of(self, *modules: str) -> list[str]:
        """Import modules and return where they came from."""
        imports = "".join(f"import {module}; print({module}.__file__); " for module in modules)
        return self.run("python", ["-IB", "-c", imports]).splitlines()


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("wheel") / "venv", built.wheel)


@pytest.fixture(scope="module")
def editable(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("editable") / "venv", built.editable)


def test_the_installed_psictl_finds_its_unit_files(installed: Installed) -> None:
    show = "from psictl.install.shipped import shipped_folder; print(shipped_folder())"
    assert (
        installed.run("python", ["-IB", "-c", show]) == f"{installed.site}/psictl/install/systemd\n"
    )


def test_the_editable_psictl_finds_the_unit_files_of_its_sources(
    built: Built, editable: Installed
) -> None:
    assert editable.run("python", ["-IB", "-c", _SHOW_UNITS]) == f"{built.tree}/systemd\n"


ENTRIES = ("psi.shared.routes", "psictl.__main__", *(f"psi.{n}.__main__" for n in service_names()))


def test_the_wheel_imports(installed: Installed) -> None:
    files = installed.files_of(*ENTRIES)
    assert len(files) == len(ENTRIES)
    assert all(file.startswith(str(installed.site)) for file in files)


def test_the_editable_install_imports_the_sources(built: Built, editable: Installed) -> None:
    files = [Path(file).resolve() for file in editable.files_of(*ENTRIES)]
    assert built.tree / "services/frontend/__main__.py" in files
    assert all(file.is_relative_to(built.tree) for file in files)


def test_the_editable_install_sees_a_new_file(built: Built, editable: Installed) -> None:
    new = built.tree / "services/frontend/new_module.py"
    new.write_text('"""New."""\n')
    (file,) = editable.files_of("psi.frontend.new_module")
    assert Path(file).resolve() == new
    new.unlink()


@pytest.mark.parametrize("kind", ["installed", "editable"])
def test_psictl_runs(kind: str, request: pytest.FixtureRequest) -> None:
    made: Installed = request.getfixturevalue(kind)
    assert made.run("psictl", ["--version"]).startswith("psictl 0.")
    assert "setup" in made.run("psictl", ["--help"])


@pytest.mark.parametrize("name", ["services", "shared", "tests", "hatch_build"])
def test_no_general_name_is_taken(name: str, installed: Installed, editable: Installed) -> None:
    find = f"import importlib.util as u; print(u.find_spec({name!r}))"
    for made in (installed, editable):
        assert made.run("python", ["-IB", "-c", find]) == "None\n"
