"""What a development host says on stdout: one JSON object a line, for whoever started it."""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from psi.shared.processes import Process
from psictl.dev.children import Child
from psictl.dev.services import Service
from psictl.layout import Layout


def print_line(fields: dict[str, Any]) -> None:
    """Write one line."""
    try:
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever started us has stopped reading: that is no reason to end the services, nor to
        # fail at the end, when Python flushes what is left (library/signal, note on SIGPIPE).
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


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
