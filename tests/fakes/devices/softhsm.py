"""A PKCS#11 token in software: a SoftHSM folder with one token and one key pair."""

import secrets
import shutil
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.fakes.devices.emulator import EmulatorError, need, run

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
SPY = Path("/usr/lib/x86_64-linux-gnu/pkcs11-spy.so")
"""OpenSC's recorder of PKCS#11 calls: it counts logins."""
SO_PIN = "87654321"
_RSA_BITS = 2048

KeyKind = Literal["rsa", "ec"]


class SoftHsmToken:
    """A token of one label with one key pair; ``environment`` leads the module to it."""

    def __init__(  # the parts of a token
        self,
        folder: Path,
        *,
        pin: str = "123456",
        label: str = "psi",
        key_label: str = "psi-key",
        kind: KeyKind = "rsa",
    ) -> None:
        need("softhsm", "softhsm2 opensc", MODULE, "softhsm2-util", "pkcs11-tool")
        self.folder = folder.absolute()
        self.pin = pin
        self.label = label
        self.key_label = key_label
        self.tokens = self.folder / "tokens"
        self.config = self.folder / "softhsm2.conf"
        self.module = str(MODULE)
        self.tokens.mkdir(parents=True)
        self.config.write_text(
            f"directories.tokendir = {self.tokens}\n"
            "objectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n"
        )
        self.tool("--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", SO_PIN)
        self.private_key = self.add_rsa(key_label) if kind == "rsa" else None
        if kind == "ec":
            self.add_ec(key_label)

    @property
    def environment(self) -> dict[str, str]:
        """What the process needs that loads the module."""
        return {"SOFTHSM2_CONF": str(self.config)}

    def tool(self, *arguments: str) -> str:
        """Run softhsm2-util on the folder; raises EmulatorError."""
        return run(["softhsm2-util", *arguments], self.environment)

    def manage(self, *arguments: str) -> str:
        """Run OpenSC's pkcs11-tool on the token; raises EmulatorError."""
        command = ["pkcs11-tool", "--module", self.module, "--token-label", self.label]
        return run([*command, *arguments], self.environment)

    def add_rsa(self, label: str) -> rsa.RSAPrivateKey:
        """Import a fresh key pair and return it: a test may do in software what the token does."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
        file = self.folder / f"{label}.pem"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        arguments = ["--import", str(file), "--token", self.label, "--pin", self.pin]
        self.tool(*arguments, "--label", label, "--id", secrets.token_hex(4))
        return key

    def add_ec(self, label: str, *usage: str) -> None:
        """Generate a P-256 key pair on the token; by default it may derive."""
        kind = ["--keypairgen", "--key-type", "EC:prime256v1", "--id", secrets.token_hex(4)]
        usage = usage or ("--usage-derive",)
        self.manage("--login", "--pin", self.pin, *kind, "--label", label, *usage)

    def remove_keys(self, label: str) -> None:
        """Delete a key pair, as someone with the PIN may."""
        for kind in ("privkey", "pubkey"):
            arguments = ["--login", "--pin", self.pin, "--delete-object"]
            self.manage(*arguments, "--type", kind, "--label", label)

    def pull(self) -> None:
        """Take the token away; :meth:`plug` brings it back."""
        self.tokens.rename(self.folder / "pulled")
        self.tokens.mkdir()

    def plug(self) -> None:
        """Put the token back."""
        pulled = self.folder / "pulled"
        if not pulled.is_dir():
            raise EmulatorError("the token was not pulled")
        shutil.rmtree(self.tokens)
        pulled.rename(self.tokens)
