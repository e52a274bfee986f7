"""What is in force: read as systemd and the services would, and found whole or not."""

import json
import re
from pathlib import Path

from psictl.apply.host_secret import BYTES, NAME
from psictl.apply.store import open_store
from psictl.generation import is_complete
from psictl.layout import Layout
from tests.fakes.systemd.manager import FakeSystemd

_GIVEN = re.compile(r"^LoadCredential=config\.json:(.+/(gen-[0-9]+)/([a-z]+)\.json)$", re.MULTILINE)


def in_force(layout: Layout, systemd: FakeSystemd | None = None, *, running: bool = False) -> str:
    """Return the first workload of the generation in force, or what is wrong with it.

    With ``running`` everything must have followed: every link, systemd and the broker.
    """
    if systemd is None:
        return _in_development(layout)
    told = _told(layout, systemd.found())
    if any(not Path(path).exists() for path, _, _ in _given(systemd.loaded)):
        return "systemd would start a service by what is gone"
    if running and told != _told(layout, systemd.loaded):
        return "systemd has read something else"
    if running and _workload(systemd.given("psi-broker.service")["config.json"]) != told:
        return "the broker runs something else"
    return "not complete" if running and not is_complete(layout) else told


def _told(layout: Layout, drop_ins: dict[str, str]) -> str:
    """Return what drop-ins, as systemd finds them, say to the services."""
    given = _given(drop_ins)
    if not given:
        return "nothing"
    if len({generation for _, generation, _ in given}) != 1:
        return "of two generations"
    services = {service for _, _, service in given}
    wanted = "psi-sealer.service" in drop_ins.get("psi.target", "")
    if ("sealer" in services) is not wanted or "broker" not in services:
        return "mixed"
    if wanted and len((layout.config_dir / NAME).read_bytes()) != BYTES:
        return "without its secret"
    projections = {service: Path(path).read_text() for path, _, service in given}
    if wanted and json.loads(projections["sealer"])["backend"] != "tpm":
        return "mixed"
    return _workload(projections["broker"])


def _given(drop_ins: dict[str, str]) -> list[tuple[str, str, str]]:
    return [found for text in drop_ins.values() for found in _GIVEN.findall(text)]


def _workload(projection: str) -> str:
    return str(next(iter(json.loads(projection)["workloads"])))


def _in_development(layout: Layout) -> str:
    with open_store(layout, for_systemd=False) as store:
        content = store.read(store.in_force())
    if content is None:
        return "nothing"
    projection = json.loads(content.projections["broker.json"])
    extra = set(content.projections) - {"broker.json"}
    if projection["generation"] > content.number or extra - {"sealer.json"}:
        return "mixed"
    if extra and len((layout.config_dir / NAME).read_bytes()) != BYTES:
        return "without its secret"
    return _workload(content.projections["broker.json"].decode())
