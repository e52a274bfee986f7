"""Starts what is measured: PSI on its development host, and the baseline beside it."""

import json
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import msgspec

from benchmarks import baseline, material
from benchmarks.child import Child
from benchmarks.failure import BenchmarkError
from tests.fakes.infisical.process import StandIn, StandInError

SETUP_SECONDS = 60
"""``psictl setup`` lists one folder and stores 20 mappings: a second or two."""


class Registered(TypedDict):
    """One entry of what ``psictl setup --no-podman`` prints."""

    workload: str
    name: str
    id: str


@dataclass(frozen=True)
class Subjects:
    """Both sockets, and what each id must be answered with."""

    psi: Path
    baseline: Path
    values: dict[str, bytes]


def start(stack: ExitStack, folder: Path) -> Subjects:
    """Start both below the folder, with the same ids and values; the stack ends them."""
    api_url = _start_infisical(stack)
    root = folder / "host"
    psi = start_psi(stack, folder, root, api_url)
    keys_by_id = register(root)
    own = _start_baseline(stack, folder, keys_by_id)
    values = material.values()
    return Subjects(psi, own, {secret_id: values[key] for secret_id, key in keys_by_id.items()})


def _start_infisical(stack: ExitStack) -> str:
    try:
        return stack.enter_context(StandIn(material.seed())).url
    except StandInError as error:
        raise BenchmarkError(str(error)) from error


def start_psi(
    stack: ExitStack, folder: Path, root: Path, api_url: str, limits: Path | None = None
) -> Path:
    """Start the development host; return the socket of its lookups. The stack ends it."""
    config = folder / "config.yaml"
    config.touch(mode=0o600)
    config.write_text(json.dumps(material.config(api_url), indent=2))
    argv = [sys.executable, "-m", "psictl", "dev", "--root", str(root), "--config", str(config)]
    argv += ["--limits", str(limits)] if limits is not None else []
    child = stack.enter_context(Child("psictl dev", argv, folder / "psi.log"))
    return Path(child.ready()["http"])


def register(root: Path) -> dict[str, str]:
    """Register every secret as ``psictl setup`` does; return the key of each id."""
    argv = [sys.executable, "-m", "psictl", "--root", str(root), "setup", "--no-podman"]
    done = subprocess.run(argv, capture_output=True, timeout=SETUP_SECONDS, check=False)
    if done.returncode:
        raise BenchmarkError(f"psictl setup failed:\n{done.stderr.decode(errors='replace')}")
    entries = msgspec.json.decode(done.stdout, type=list[Registered])
    keys_by_id = {e["id"]: e["name"].removeprefix(f"{material.WORKLOAD}--") for e in entries}
    if set(keys_by_id.values()) != set(material.values()):
        raise BenchmarkError(
            f"psictl setup registered other secrets: {sorted(keys_by_id.values())}"
        )
    return keys_by_id


def _start_baseline(stack: ExitStack, folder: Path, keys_by_id: dict[str, str]) -> Path:
    state, values, socket = folder / "state", folder / "values.json", folder / "baseline.sock"
    material.write_mappings(state, keys_by_id)
    material.write_values(values)
    argv = [sys.executable, baseline.__file__, "--socket", str(socket)]
    argv += ["--state", str(state), "--values", str(values)]
    child = stack.enter_context(Child("the baseline", argv, folder / "baseline.log"))
    return Path(child.ready()["http"])
