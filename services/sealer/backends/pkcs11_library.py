"""The PKCS#11 module in this process: loaded once, never unloaded, initialised for each job.

Unloading a module whose objects are still referred to is a segmentation fault (python-pkcs11
0.10.1, tried), and python-pkcs11 unloads one whose C_Initialize failed: so it is pinned first.
Finalising it is what makes every module forget a token that was pulled.
"""

import contextlib
import ctypes
import os
from pathlib import Path

import pkcs11
from pkcs11 import _pkcs11

from psi.sealer.backends.pkcs11_errors import explained, unavailable
from psi.shared.text import ascii_line

# tpm2-pkcs11 uses libtss2, which at its finest level logs the contents of its buffers.
os.environ["TSS2_LOG"] = "all+NONE"

_SHOWN_TOKENS = 4
_SHOWN_CHARACTERS = 60
_pinned: dict[str, ctypes.CDLL] = {}
_started: dict[str, _pkcs11.lib] = {}
"""Each module once in the process, as C_Initialize is."""


class Library:
    """One module by its absolute path."""

    def __init__(self, path: str) -> None:
        self._path = path

    def token(self, label: str) -> pkcs11.Token:
        """Initialise the module and find a token; raises DeviceError (DEVICE_UNAVAILABLE)."""
        self.finalize()
        tokens = self._tokens()
        matching = [token for token in tokens if token.label == label]
        if len(matching) == 1:
            return matching[0]
        if matching:
            raise unavailable(f"{len(matching)} tokens are labelled {label}: leave one plugged in")
        labels = ", ".join([token.label for token in tokens if token.label][:_SHOWN_TOKENS])
        seen = ascii_line(f"there is {labels}", _SHOWN_CHARACTERS) if labels else "there is none"
        raise unavailable(
            f"no token is labelled {label} ({seen}): plug it in, start pcscd, or correct "
            "sealer.pkcs11.token_label"
        )

    def finalize(self) -> None:
        """Let go of every session and login. Raises nothing."""
        library = _started.get(self._path)
        if library is not None and library.initialized:
            with contextlib.suppress(pkcs11.PKCS11Error):
                library.finalize()

    def _tokens(self) -> list[pkcs11.Token]:
        self._pin()
        try:
            library = _started[self._path] = pkcs11.lib(self._path)
        except pkcs11.PKCS11Error as error:
            cause = type(error).__name__
            detail = f"{self._path} cannot start ({cause}): see that its device and service run"
            raise unavailable(detail) from error
        tokens = []
        with explained():
            for slot in library.get_slots(token_present=True):
                # Another reader may hold a card that this module cannot read.
                with contextlib.suppress(pkcs11.PKCS11Error):
                    tokens.append(slot.get_token())
        return tokens

    def _pin(self) -> None:
        if self._path in _pinned:
            return
        if not Path(self._path).is_absolute():
            raise unavailable(f"sealer.pkcs11.module {self._path}: give its whole path")
        try:
            _pinned[self._path] = ctypes.CDLL(self._path)
        except OSError as error:
            detail = f"the PKCS#11 module cannot be loaded: {error}; correct sealer.pkcs11.module"
            raise unavailable(detail) from error
