"""SoftHSM: a token in a folder, with the one key pair that the sealer uses (softhsm2-util(1))."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from psi.shared.projection import Pkcs11Options
from psi.shared.secret import SecretBytes
from psictl.dev.emulator import find_program, missing, run_program

PACKAGES: Final = "softhsm2 opensc"
TOKEN_LABEL: Final = "psi-dev"  # noqa: S105  # a name
KEY_LABEL: Final = "psi"
PIN: Final = "1234"
"""No secret: the token's files lie beside what it seals, so it stands in argv too."""
_FOLDERS: Final = (
    "/usr/lib/softhsm",
    "/usr/lib64/softhsm",
    "/usr/lib64/pkcs11",
    "/usr/local/lib/softhsm",
)
_MODULE: Final = "libsofthsm2.so"
_CONFIGURATION: Final = """\
directories.tokendir = {tokens}
objectstore.backend = file
log.level = ERROR
slots.removable = false
"""


def prepare_token(folder: Path) -> tuple[dict[str, str], Pkcs11Options]:
    """Return the environment that finds the token, and what the sealer is told of it.

    Makes the token with its P-256 key pair where there is none. Raises ConfigError where SoftHSM
    or OpenSC is not installed, PsiError where one fails.
    """
    module = _find_module()
    tokens, configuration, whole = (folder / n for n in ("tokens", "softhsm2.conf", "token-made"))
    configuration.write_text(_CONFIGURATION.format(tokens=tokens))
    environment = {"SOFTHSM2_CONF": str(configuration)}
    if not whole.exists():
        # A token without its key would be another of the same label.
        shutil.rmtree(tokens, ignore_errors=True)
        tokens.mkdir(mode=0o700)
        for argv in _commands(module):
            run_program(argv, environment)
        whole.touch()
    token = Pkcs11Options(
        module=str(module),
        token_label=TOKEN_LABEL,
        key_label=KEY_LABEL,
        pin=SecretBytes(PIN.encode()),
    )
    return environment, token


def _commands(module: Path) -> Iterator[tuple[str, ...]]:
    util, tool = (find_program(name, PACKAGES) for name in ("softhsm2-util", "pkcs11-tool"))
    login = ("--module", str(module), "--token-label", TOKEN_LABEL, "--login", "--pin", PIN)
    key = ("--key-type", "EC:prime256v1", "--label", KEY_LABEL, "--id", "01", "--usage-derive")
    yield (util, "--init-token", "--free", "--label", TOKEN_LABEL, "--pin", PIN, "--so-pin", PIN)
    yield (tool, *login, "--keypairgen", *key)


def _find_module() -> Path:
    candidates = [Path(folder) / _MODULE for folder in _FOLDERS]
    candidates += sorted(Path("/usr/lib").glob(f"*/softhsm/{_MODULE}"))
    for path in candidates:
        if path.is_file():
            return path
    raise missing("SoftHSM", PACKAGES)
