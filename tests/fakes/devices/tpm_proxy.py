"""Stands between tpm2-tss and swtpm: records what crosses, and acts before a chosen command."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fakes.devices.swtpm import SwTpm

UNSEAL = 0x15E
"""TPM_CC_Unseal."""
PCR_EXTEND = 0x182
"""TPM_CC_PCR_Extend."""
_HEADER_BYTES = 10
_CODE = slice(6, 10)
_PASSWORD_SESSION = b"\x40\x00\x00\x09" + bytes(5)


class TpmProxy:
    """Listens as ``proxy`` in the TPM's folder; a context manager. One client at a time.

    ``before[code]`` is called with a function that sends a command of one's own, right before
    the client's command of that code is passed on.
    """

    def __init__(self, tpm: SwTpm) -> None:
        self._tpm = tpm
        self._path = tpm.folder / "proxy"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.before: dict[int, Callable[[Callable[[bytes], bytes]], None]] = {}
        self.commands: list[int] = []
        self.traffic = b""

    @property
    def tcti(self) -> str:
        """How tpm2-tss reaches it."""
        return f"swtpm:path={self._path}"

    def __enter__(self) -> Self:
        self._listener.bind(str(self._path))
        self._listener.listen()
        control = Path(f"{self._path}.ctrl")
        control.symlink_to(self._tpm.control)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as tpm:
                tpm.connect(str(self._tpm.socket))
                while command := _frame(client):
                    client.sendall(self._pass_on(tpm, command))

    def _pass_on(self, tpm: socket.socket, command: bytes) -> bytes:
        code = int.from_bytes(command[_CODE])
        self.commands.append(code)
        if act := self.before.get(code):
            act(lambda own: _exchange(tpm, own))
        reply = _exchange(tpm, command)
        self.traffic += command + reply
        return reply


def extend_command(pcr: int) -> bytes:
    """Return TPM2_PCR_Extend of the SHA-256 bank, as another program would send it."""
    digests = (1).to_bytes(4) + (0x000B).to_bytes(2) + b"\x02" * 32
    body = pcr.to_bytes(4) + len(_PASSWORD_SESSION).to_bytes(4) + _PASSWORD_SESSION + digests
    return (
        (0x8002).to_bytes(2)
        + (_HEADER_BYTES + len(body)).to_bytes(4)
        + PCR_EXTEND.to_bytes(4)
        + body
    )


def _exchange(tpm: socket.socket, command: bytes) -> bytes:
    tpm.sendall(command)
    return _frame(tpm)


def _frame(connection: socket.socket) -> bytes:
    """Read one command or reply; empty where the other side is gone."""
    data = b""
    wanted = _HEADER_BYTES
    while len(data) < wanted:
        part = connection.recv(wanted - len(data))
        if not part:
            return b""
        data += part
        if len(data) == _HEADER_BYTES:
            wanted = int.from_bytes(data[2:6])
    return data
