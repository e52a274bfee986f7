"""The walls between processes: the linter's contracts, and what is really loaded."""

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from psi.shared.processes import Process
from tests.unit.shared.source_tree import (
    ROOT,
    copy_tree,
    import_names,
    link_packages,
    service_names,
)

_SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
_LINTER: dict[str, Any] = _SETTINGS["tool"]["importlinter"]
_SECONDS = 60


def lint_imports(
    folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run import-linter as ``make lint`` does."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def test_all_contracts_are_kept() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_all_contracts_are_kept_in_a_copy(tmp_path: Path) -> None:
    done = lint_imports(copy_tree(tmp_path), link_packages(tmp_path))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "imports"),
    [
        (
            "services/frontend/head.py",
            ["httpx", "psi.broker", "psictl", "yaml", "subprocess", "ctypes", "pickle",
             "cryptography", "ssl", "http", "pkcs11", "tpm2_pytss", "botocore"],
        ),
        (
            "services/broker/cache.py",
            ["psi.frontend", "psictl", "tpm2_pytss", "pkcs11", "subprocess", "yaml", "boto3"],
        ),
        (
            "services/sealer/wrapping.py",
            ["httpx", "psi.broker", "psi.frontend", "psictl", "subprocess", "yaml", "ssl"],
        ),
        (
            "services/pki/status.py",
            ["httpx", "psi.broker", "psi.sealer", "psictl", "subprocess", "yaml", "ssl", "urllib",
             "tpm2_pytss", "pkcs11", "ctypes", "pickle", "uvloop"],
        ),
        (
            "psictl/layout.py",
            ["psi.frontend", "psi.broker", "psi.pki", "tpm2_pytss", "pkcs11", "pickle", "botocore"],
        ),
        ("shared/text.py", ["httpx", "uvloop", "psi.frontend", "psi.broker", "psictl"]),
    ],
    ids=["frontend", "broker", "sealer", "pki", "psictl", "shared"],
)  # fmt: skip
def test_forbidden_imports_break_contracts(file: str, imports: list[str], tmp_path: Path) -> None:
    told = _told_of(file, imports, tmp_path)
    package = ".".join(Path(file).parent.parts).replace("services", "psi")
    for each in imports:
        assert f"{package.replace('shared', 'psi.shared')} is not allowed to import {each}" in told


def test_keys_in_pki_break_no_contract(tmp_path: Path) -> None:
    environment = link_packages(copy_tree(tmp_path))
    source = tmp_path / "services/pki/status.py"
    source.write_text(source.read_text() + "\nimport cryptography\n")
    done = lint_imports(tmp_path, environment)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("services/broker/cache.py", "psi.shared.messages.pki"),
        ("services/frontend/head.py", "psi.shared.messages.pki"),
        ("services/pki/status.py", "psi.shared.messages.sealer"),
        ("services/pki/status.py", "psi.shared.projection"),
    ],
)
def test_another_processs_business_breaks_a_contract(
    file: str, module: str, tmp_path: Path
) -> None:
    told = _told_of(file, [module], tmp_path)
    package, name = Path(file).parent.name, Path(file).stem
    assert f"psi.{package}.{name}" in told
    assert module in told


def test_configuration_in_the_frontend_breaks_a_contract(tmp_path: Path) -> None:
    told = _told_of("services/frontend/head.py", ["psi.shared.projection"], tmp_path)
    assert "psi.frontend.head" in told
    assert "The frontend holds no configuration" in told


def test_a_library_behind_shared_code_breaks_a_contract(tmp_path: Path) -> None:
    told = _told_of("shared/text.py", ["ssl"], tmp_path)
    assert "psi.frontend is not allowed to import ssl" in told


def _told_of(file: str, imports: list[str], tmp_path: Path) -> str:
    """Return what the linter says of a copy in which a file imports some modules more."""
    environment = link_packages(copy_tree(tmp_path))
    source = tmp_path / file
    source.write_text(source.read_text() + "".join(f"\nimport {each}" for each in imports) + "\n")
    done = lint_imports(tmp_path, environment)
    assert done.returncode == 1, done.stdout
    return " ".join(done.stdout.split())


def test_the_contracts_cover_every_package() -> None:
    assert set(_LINTER["root_packages"]) == set(import_names())
    contracts = {each["id"]: each for each in _LINTER["contracts"]}
    above, below = contracts["independence"]["layers"]
    assert {*above.split(" | "), below} == set(import_names())
    for package in import_names():
        assert contracts[package.removeprefix("psi.")]["source_modules"] == [package]


def test_mypy_covers_every_package() -> None:
    assert set(_SETTINGS["tool"]["mypy"]["packages"]) >= set(import_names())
    assert _SETTINGS["tool"]["mypy"]["strict"] is True


def test_a_folder_of_services_is_a_process_with_a_unit_and_a_user() -> None:
    names = service_names()
    assert names == ["broker", "frontend", "pki", "sealer"]
    for name in names:
        process = Process(name)
        assert process not in {Process.CTL, Process.HTTP}
        assert (process.unit, process.user) == (f"psi-{name}.service", f"psi-{name}")
        for file in ("__init__.py", "__main__.py", "py.typed"):
            assert (ROOT / "services" / name / file).is_file()


def test_services_is_no_package() -> None:
    """With it the wheel would hold psi/__init__.py, and psi would be no namespace."""
    assert not (ROOT / "services/__init__.py").exists()


@pytest.mark.parametrize("name", service_names())
def test_an_entry_point_says_what_its_owner_would_have(name: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / f"services/{name}/__main__.py").read_text()))
    assert docstring is not None
    assert "SECURITY" in docstring


def _imported(source: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source} imports by a relative name"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("source", sorted((ROOT / "shared").rglob("*.py")), ids=lambda p: p.name)
def test_a_shared_file_imports_the_standard_library_and_msgspec_only(source: Path) -> None:
    allowed = {*sys.stdlib_module_names, "msgspec"}
    for module in _imported(source):
        assert module.partition(".")[0] in allowed or module.startswith("psi.shared")


def loaded(imported: str) -> set[str]:
    """Return what a fresh, isolated interpreter has loaded after it imported some modules."""
    script = f"import json, sys\nimport {imported}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", script],
        capture_output=True,
        timeout=_SECONDS,
        check=True,
    )
    return set(json.loads(done.stdout))


def _modules(folder: str, package: str) -> str:
    """Return all modules of a package as an import list."""
    root = ROOT / folder
    files = (file.relative_to(root).with_suffix("") for file in root.rglob("*.py"))
    parts = (tuple(part for part in file.parts if part != "__init__") for file in files)
    return ", ".join(".".join((package, *each)) for each in sorted(parts))


_DEVICES = {"tpm2_pytss", "pkcs11"}


@pytest.mark.parametrize(
    ("imported", "expected", "forbidden"),
    [
        (
            _modules("services/frontend", "psi.frontend"),
            {"psi.frontend.__main__", "psi.shared.client", "uvloop"},
            {"httpx", "cryptography", "yaml", "rich", "typer", "dotenv", "ctypes", "pickle",
             "urllib.request", "http.client", "psi.broker", "psictl", *_DEVICES},
        ),
        (
            _modules("services/broker", "psi.broker"),
            {"psi.broker.__main__", "httpx", "uvloop"},
            # Not rich: httpx takes it for a command line of its own where it is installed.
            # Not botocore: its signer is loaded by the first login of aws-iam.
            {"yaml", "typer", "dotenv", "botocore", "psi.frontend", "psictl", *_DEVICES},
        ),
        (
            "psi.sealer.__main__",
            {"psi.sealer.__main__", "psi.sealer.key_holder", "cryptography"},
            # The devices' libraries are loaded when one is configured, and then only its own.
            {"httpx", "yaml", "typer", "rich", "psi.frontend", "psi.broker", "psictl", *_DEVICES},
        ),
        (
            _modules("services/pki", "psi.pki"),
            {"psi.pki.__main__", "psi.shared.client"},
            {"httpx", "yaml", "typer", "rich", "dotenv", "uvloop", "ctypes", "pickle",
             "urllib.request", "http.client", "psi.frontend", "psi.broker", "psi.sealer", "psictl",
             *_DEVICES},
        ),
        (
            _modules("psictl", "psictl"),
            {"psictl.__main__", "psictl.commands.setup", "yaml"},
            {"psi.frontend", "psi.broker", "cryptography", *_DEVICES},
        ),
    ],
    ids=["frontend", "broker", "sealer", "pki", "psictl"],
)  # fmt: skip
def test_what_a_process_loads(imported: str, expected: set[str], forbidden: set[str]) -> None:
    """Neither the linter nor a reader sees ``importlib.import_module("httpx")``."""
    modules = loaded(imported)
    assert expected <= modules
    assert modules & forbidden == set()


def test_what_the_shared_code_loads() -> None:
    own = {each.partition(".")[0] for each in loaded(_modules("shared", "psi.shared"))}
    msgspecs = {each.partition(".")[0] for each in loaded("msgspec")}
    assert own - msgspecs - set(sys.stdlib_module_names) == {"psi"}


def test_a_loaded_module_is_seen() -> None:
    assert "httpx" in loaded("importlib; importlib.import_module('httpx')")
