"""What the host must have before anything is begun, and the packages that bring it."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psictl.install.interpreter import Interpreter
from psictl.install.programs import run, succeeds

SYSTEMD_TOOLS: Final = ("systemctl", "systemd-analyze", "systemd-sysusers", "systemd-tmpfiles")
_NO_TPM: Final = "without a TPM: --without-tpm"
OS_RELEASE: Final = Path("/etc/os-release")
LIBRARIES: Final = {
    "libtss2-esys.so.0": {"12": "libtss2-esys-3.0.2-0", "13": "libtss2-esys-3.0.2-0t64"},
    "libtss2-mu.so.0": {"12": "libtss2-mu0", "13": "libtss2-mu-4.0.1-0t64"},
    "libtss2-rc.so.0": {"12": "libtss2-rc0", "13": "libtss2-rc0t64"},
    "libtss2-sys.so.1": {"12": "libtss2-sys1", "13": "libtss2-sys1t64"},
    "libtss2-tctildr.so.0": {"12": "libtss2-tctildr0", "13": "libtss2-tctildr0t64"},
    "libtss2-tcti-device.so.0": {"12": "libtss2-tcti-device0", "13": "libtss2-tcti-device0t64"},
}
"""What the sealer loads for a TPM, and its package in Debian 12 and 13."""


def check(
    interpreter: Interpreter, *, host: bool, build: bool, compile_tpm: bool, load_tpm: bool
) -> None:
    """Look for all of it; raises PsiError that names every missing package at once.

    ``build`` is for environments that are to be made, ``compile_tpm`` for tpm2-pytss among them,
    ``load_tpm`` for a sealer on this machine that uses a TPM.
    """
    missing: list[str] = []
    advice = ""
    if host and not all(shutil.which(tool) for tool in SYSTEMD_TOOLS):
        missing.append("systemd")
    if build and not succeeds([interpreter.path, "-I", "-c", "import ensurepip, venv"]):
        missing.append(f"{interpreter.name}-venv")
    if compile_tpm:
        found = list(_for_compiling(interpreter))
        missing += found
        advice = f", which tpm2-pytss is compiled with ({_NO_TPM})" if found else ""
    if load_tpm:
        found = [] if "libtss2-dev" in missing else list(_for_loading())
        missing += found
        advice = advice or (f", which the sealer loads for a TPM ({_NO_TPM})" if found else "")
    if missing:
        raise PsiError(
            f"missing, and nothing was changed: apt-get install {' '.join(missing)}{advice}"
        )


def _for_compiling(interpreter: Interpreter) -> Iterator[str]:
    if shutil.which("cc") is None:
        yield "gcc"
        yield "libc6-dev"
    if shutil.which("pkg-config") is None:
        yield "pkg-config"
        yield "libtss2-dev"
    elif not succeeds(["pkg-config", "--exists", "tss2-esys"]):
        yield "libtss2-dev"
    if not Path(interpreter.include, "Python.h").is_file():
        yield f"{interpreter.name}-dev"


def _for_loading() -> Iterator[str]:
    """Give the packages of the libraries that the loader does not find (ldconfig(8))."""
    try:
        known = run(["ldconfig", "-p"], "")
    except PsiError:
        return
    release = _debian_release()
    for library, packages in LIBRARIES.items():
        if not re.search(rf"^\s*{re.escape(library)} ", known, re.MULTILINE):
            yield packages.get(release, f"(the package with {library})")


def _debian_release() -> str:
    try:
        text = OS_RELEASE.read_text()
    except OSError:
        return ""
    debian = re.search(r"^ID=debian$", text, re.MULTILINE)
    found = re.search(r'^VERSION_ID="?([0-9]+)"?$', text, re.MULTILINE)
    return found[1] if debian and found else ""
