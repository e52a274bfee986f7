"""Measures the cache that outlives a restart, and a miss while Infisical is away: `make bench`.

    python -m benchmarks.cache [--strict]

A stand-in Infisical with 10,000 secrets fills the cache through the real suite; both are
stopped, Infisical stays away, and the suite starts again from ``cache.enc``.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks import material, report
from benchmarks.child import Child
from benchmarks.failure import BenchmarkError
from benchmarks.goals import Verdict
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed

ENTRIES = 10_000
VALUE_BYTES = 100
FOLDERS = 20
LOAD_GOAL_SECONDS = 1.0
MISS_GOAL_SECONDS = 0.05
MISSES = 20
LIMITS = {"boot_grace_seconds": 0.5, "breaker_open_seconds": 0.5, "breaker_probe_seconds": 60}
"""So that the boot grace and the first ten seconds of an outage are over within a second."""
SETTLE_SECONDS = 30


def make_seed() -> Seed:
    """Return 10,000 secrets of 100 bytes in 20 folders."""
    project = ProjectSeed(material.PROJECT_ID, material.PROJECT, environments=["prod"])
    for number in range(ENTRIES):
        value = f"{number:0{VALUE_BYTES}d}"
        project.secret("prod", f"/bench/f{number % FOLDERS}", f"KEY_{number}", value)
    identity = IdentitySeed(material.CLIENT_ID, material.CLIENT_SECRET, role="viewer")
    return Seed([identity], [project])


def config(api_url: str) -> dict[str, Any]:
    """Return the configuration: one workload that draws from all folders."""
    made = material.config(api_url)
    made["cache"] = {"backend": "software"}
    made["workloads"][material.WORKLOAD]["secrets"][0]["recursive"] = True
    return made


class Suite:
    """The development host with its folder."""

    def __init__(self, folder: Path, api_url: str) -> None:
        self.folder = folder
        self.root = folder / "host"
        self.log = folder / "psi.log"
        config_file = folder / "config.yaml"
        config_file.touch(mode=0o600)
        config_file.write_text(json.dumps(config(api_url)))
        (folder / "limits.json").write_text(json.dumps(LIMITS))
        self._argv = [
            *(sys.executable, "-m", "psictl", "dev", "--root", str(self.root)),
            *("--config", str(config_file), "--limits", str(folder / "limits.json")),
            *("--sealer", "software"),
        ]

    def start(self) -> Child:
        """Start it; the caller waits and ends it."""
        return Child("psictl dev", self._argv, self.log)

    def psictl(self, *arguments: str) -> dict[str, Any]:
        """Run a command with --json and return what it prints."""
        argv = [sys.executable, "-m", "psictl", "--root", str(self.root), *arguments, "--json"]
        done = subprocess.run(argv, capture_output=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"psictl {' '.join(arguments)}: {done.stderr.decode()}")
        shown: dict[str, Any] = json.loads(done.stdout)
        return shown

    def load_seconds(self) -> float:
        """Return how long the broker took to load the file, by its own log."""
        found = re.search(rf"cache\.loaded entries={ENTRIES} .*seconds=([0-9.]+)", self._text())
        if found is None:
            raise BenchmarkError(f"the cache was not loaded whole:\n{self._text()[-1000:]}")
        return float(found[1])

    def _text(self) -> str:
        return self.log.read_text(errors="replace")


def measure(folder: Path) -> list[Verdict]:
    """Fill, stop, start without Infisical, and measure."""
    with StandIn(make_seed()) as infisical:
        suite = Suite(folder, infisical.url)
        with suite.start() as child:
            child.ready()
            suite.psictl("cache", "refresh")
    with suite.start() as child:
        http = child.ready()["http"]
        load = suite.load_seconds()
        times = list(misses(http))
    return [
        Verdict(
            f"loading {ENTRIES:,} entries <= {LOAD_GOAL_SECONDS} s", load, load <= LOAD_GOAL_SECONDS
        ),
        Verdict(
            f"a miss while Infisical is away <= {MISS_GOAL_SECONDS} s",
            statistics.median(times),
            statistics.median(times) <= MISS_GOAL_SECONDS,
        ),
    ]


def misses(http: str) -> Iterator[float]:
    """Yield how long lookups of a secret that is not cached take once the breaker is open."""
    secret_id = "0" * 25
    mapping = {"project": material.PROJECT, "path": "/bench/f0", "key": "NOT_CACHED"}
    transport = httpx.HTTPTransport(uds=http)
    with httpx.Client(transport=transport, base_url="http://localhost", timeout=60) as client:
        client.post(f"/store/{secret_id}", content=json.dumps(mapping)).raise_for_status()
        deadline = time.monotonic() + SETTLE_SECONDS
        while "Infisical is away" not in client.get(f"/lookup/{secret_id}").text:
            if time.monotonic() > deadline:
                raise BenchmarkError("the breaker did not open")
        for _ in range(MISSES):
            began = time.monotonic()
            if client.get(f"/lookup/{secret_id}").status_code != 503:
                raise BenchmarkError("a miss was answered although Infisical is away")
            yield time.monotonic() - began


def main(argv: list[str] | None = None) -> int:
    """Measure and report; 1 if nothing could be measured or, with --strict, a goal is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.cache", description=__doc__)
    parser.add_argument("--strict", action="store_true", help="exit 1 if a goal is missed")
    arguments = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="psi-bench-") as folder:
            verdicts = measure(Path(folder))
    except BenchmarkError as error:
        print(f"benchmarks.cache: {error}", file=sys.stderr)
        return 1
    console = report.make_console()
    console.print("The cache after a restart, Infisical away")
    report.show_goals(console, verdicts)
    return int(arguments.strict and not all(verdict.passed for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
