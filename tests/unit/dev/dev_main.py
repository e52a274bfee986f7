"""The development host with fakes in its table: ``dev_main.py ROOT CONFIG LIMITS SEALER WAYS…``.

WAYS are what the fake frontend, broker, sealer and pki do (see fake_service.py), with commas;
``hasty`` among them is for the host: it waits half a second for READY.
"""

import sys
from dataclasses import replace
from pathlib import Path

from psi.shared.errors import PsiError
from psictl.dev import run
from psictl.dev.services import SERVICES, Service

PATIENT, SOON = 60, 0.5
"""Seconds: no time-out on a loaded machine, and one that a test waits for."""
FAKE = Path(__file__).with_name("fake_service.py")


def _fake(service: Service, ways: str) -> Service:
    argv = (sys.executable, "-I", str(FAKE), str(service.process), *ways.split(","))
    stop = SOON if "stubborn" in ways else PATIENT
    ready = SOON if "hasty" in ways else PATIENT
    return replace(service, argv=argv, stop_seconds=stop, ready_seconds=ready)


def main() -> int:
    """Run until SIGTERM; errors are shown as the command line shows them."""
    root, config, limits, sealer, *ways = sys.argv[1:]
    by_name = dict(zip(("frontend", "broker", "sealer", "pki"), ways, strict=True))
    services = tuple(_fake(service, by_name[service.process]) for service in SERVICES)
    overrides = Path(limits) if limits else None
    try:
        return run(Path(root), Path(config), overrides, sealer or None, services=services)
    except PsiError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
