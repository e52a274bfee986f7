"""A service for the development host's tests: it tells on each of its sockets what it was given.

Run as ``fake_service.py NAME [mute] [stubborn] [failing]``: mute never says READY, stubborn does
not end on SIGTERM, failing ends with code 3 where its projection has a workload named ``fail``.
"""

import json
import os
import selectors
import signal
import socket
import sys
import time
from pathlib import Path


def _credentials() -> dict[str, str]:
    folder = Path(os.environ["CREDENTIALS_DIRECTORY"])
    return {path.name: path.read_text(errors="replace") for path in folder.iterdir()}


def _describe(name: str) -> bytes:
    mask = os.umask(0)
    os.umask(mask)
    fields = {
        "name": name,
        "pid": os.getpid(),
        "environment": dict(os.environ),
        "credentials": _credentials(),
        "mode": oct(Path(os.environ["CREDENTIALS_DIRECTORY"]).stat().st_mode & 0o777),
        "descriptors": sorted(int(fd) for fd in os.listdir("/proc/self/fd")),  # noqa: PTH208  # as the kernel numbers them
        "pipe": str(signal.getsignal(signal.SIGPIPE)),
        "umask": oct(mask),
        "folder": str(Path.cwd()),
    }
    return json.dumps(fields).encode()


def _notify(text: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(os.environ["NOTIFY_SOCKET"])
        sender.sendall(text)


def _note(name: str, event: str) -> None:
    with (Path(os.environ["PSI_DEV_ROOT"]) / "events").open("a") as file:
        file.write(f"{event} {name} {time.monotonic_ns()}\n")


def _serve(description: bytes) -> None:
    selector = selectors.DefaultSelector()
    for index, name in enumerate(os.environ["LISTEN_FDNAMES"].split(":")):
        listening = socket.socket(fileno=3 + index)
        listening.setblocking(False)
        selector.register(listening, selectors.EVENT_READ, name)
    while True:
        for key, _ in selector.select():
            connection, _ = key.fileobj.accept()  # type: ignore[union-attr]  # it is a socket
            with connection:
                connection.sendall(json.dumps({"socket": key.data}).encode() + b"\n" + description)


def main() -> None:
    """Serve until SIGTERM."""
    name, *ways = sys.argv[1:]
    description = _describe(name)
    if "failing" in ways and '"fail"' in _credentials().get("config.json", ""):
        sys.exit(3)

    def stop(_number: int, _frame: object) -> None:
        _note(name, "stopping")
        if "stubborn" not in ways:
            sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    print("to stdout")  # noqa: T201  # it must not reach dev's own stdout
    if "mute" not in ways:
        _notify(b"STATUS=well\nREADY=1")
    _serve(description)


if __name__ == "__main__":
    main()
