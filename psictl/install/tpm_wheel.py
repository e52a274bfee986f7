"""tpm2-pytss, which comes as sources alone: compiled once, without FAPI, and kept for upgrades.

Its default build links FAPI, which maps curl, ldap, ssh2, gnutls and krb5 into the sealer
(tpm2-pytss 3.0.0, tried). What pkg-config does not show it, it does not link.
"""

import shutil
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psictl.install.interpreter import Interpreter
from psictl.install.pip import Pip
from psictl.install.programs import run

PROJECT: Final = "tpm2-pytss"
_PARTS: Final = ("mu", "sys", "esys", "rc", "tctildr")


def find_wheel(interpreter: Interpreter, *folders: Path | None) -> Path | None:
    """Return a wheel of it for this interpreter from the first folder that has one."""
    for folder in folders:
        if folder is not None:
            found = sorted(folder.glob(f"tpm2_pytss-*-{interpreter.tag}-*.whl"))
            if found:
                return found[-1]
    return None


def compile_wheel(requirement: str, pip: Pip, wheels: Path, scratch: Path) -> None:
    """Compile it into ``wheels``; raises PsiError, with the compiler's last words."""
    visible = scratch / "pkgconfig"
    visible.mkdir()
    asked = ["pkg-config", "--variable=pcfiledir", "tss2-mu"]
    shipped = Path(run(asked, "pkg-config does not know libtss2").strip())
    for part in _PARTS:
        (visible / f"tss2-{part}.pc").symlink_to(shipped / f"tss2-{part}.pc")
    # Not from pip's cache, which may hold a build with FAPI.
    options = ("--no-cache-dir", "--no-binary", PROJECT)
    pip.wheel(requirement, wheels, *options, environment={"PKG_CONFIG_LIBDIR": str(visible)})
    if not list(wheels.glob("tpm2_pytss-*.whl")):
        raise PsiError(f"pip made no wheel of {PROJECT}; run psictl install again")


def keep(wheel: Path, wheels: Path) -> None:
    """Keep a wheel that is there already, for the version that is made now."""
    if wheel.parent != wheels:
        shutil.copy(wheel, wheels)
