"""What a development host says on stdout: one JSON object a line, for whoever started it."""

import contextlib
import json
import sys
from collections.abc import Mapping
from typing import Any

from psi.shared.processes import Process
from psictl.dev.children import Child
from psictl.dev.services import Service
from psictl.layout import Layout


def print_line(fields: dict[str, Any]) -> None:
    """Write one line."""
    # Whoever started us may have stopped reading: that is no reason to end the services.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()


def ready_fields(
    layout: Layout, services: tuple[Service, ...], children: Mapping[str, Child]
) -> dict[str, Any]:
    """Return the line that says where everything is, once all of it serves."""
    paths = {
        (service.process, listener.caller): str(listener.path(layout))
        for service in services
        if service.process in children
        for listener in service.listeners
    }
    return {
        "ready": True,
        "http": paths.get((Process.FRONTEND, Process.HTTP)),
        "ctl": {server: path for (server, who), path in paths.items() if who is Process.CTL},
        "pids": {name: child.pid for name, child in children.items()},
    }
