"""A PKCS#11 token whose keys live in a TPM: libtpm2-pkcs11 with its own store over swtpm."""

from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.fakes.devices.emulator import need, run
from tests.fakes.devices.swtpm import SwTpm

MODULE = Path("/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1")
SO_PIN = "so-secret"


class Tpm2Pkcs11:
    """A token with one key pair; a context manager, since its TPM is a process."""

    def __init__(  # the parts of a token
        self,
        folder: Path,
        *,
        pin: str = "123456",
        label: str = "psi",
        key_label: str = "psi-key",
        kind: Literal["rsa", "ec"] = "rsa",
    ) -> None:
        need("tpm2-pkcs11", "libtpm2-pkcs11-1 opensc", MODULE, "pkcs11-tool")
        self.tpm = SwTpm(folder)
        self.pin = pin
        self.label = label
        self.key_label = key_label
        self.module = str(MODULE)
        self._kind = kind
        self._store = folder.absolute() / "store"

    @property
    def environment(self) -> dict[str, str]:
        """What the process needs that loads the module."""
        return {
            "TPM2_PKCS11_STORE": str(self._store),
            "TPM2_PKCS11_TCTI": self.tpm.tcti,
            "TPM2_PKCS11_LOG_LEVEL": "0",
            "TSS2_LOG": "all+NONE",
        }

    def __enter__(self) -> Self:
        self.tpm.start()
        self._store.mkdir()
        # By the library itself: tpm2_ptool leaves more objects loaded than a bare TPM has room for.
        self._tool("--init-token", "--slot-index", "0", "--label", self.label, "--so-pin", SO_PIN)
        login = ["--token-label", self.label]
        self._tool(
            *login,
            "--login",
            "--so-pin",
            SO_PIN,
            "--login-type",
            "so",
            "--init-pin",
            "--new-pin",
            self.pin,
        )
        key = ["--keypairgen", "--key-type", "rsa:2048" if self._kind == "rsa" else "EC:prime256v1"]
        self._tool(*login, "--login", "--pin", self.pin, *key, "--label", self.key_label)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.tpm.stop()

    def _tool(self, *arguments: str) -> None:
        run(["pkcs11-tool", "--module", self.module, *arguments], self.environment)
