"""Takes the samples: PSI and the baseline in turn, so that a busy minute meets both."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.failure import BenchmarkError
from benchmarks.goals import Round
from benchmarks.loadgen import LoadGenerator, Sample
from benchmarks.quiet import busy_cores

WARMUP_SECONDS = 0.2
"""Enough for a thousand lookups: caches, the interpreter's specialised code, the pool."""

QUIET_SECONDS = 0.5
"""Of watching what else the machine does: 50 ticks of its clock for each core."""


@dataclass(frozen=True)
class Plan:
    """How often and how long each subject is asked."""

    seconds: float
    runs: int


def fill_cache(generator: LoadGenerator, socket: Path, ids: int, name: str) -> None:
    """Ask for every id once, alone; raises BenchmarkError where a reply is not the value."""
    sample = generator.requests(socket, clients=1, count=ids)
    if sample.errors:
        raise BenchmarkError(
            f"{name} answered {sample.errors} of {ids} first lookups wrongly: {sample}; "
            "nothing is measured before every value is right"
        )


def measure(
    generator: LoadGenerator,
    psi: Path,
    baseline: Path,
    clients: int,
    plan: Plan,
    tick: Callable[[], None],
) -> Round:
    """Run both subjects in turn at one number of clients; ``tick`` is called after each run."""
    other_work = busy_cores(QUIET_SECONDS)
    samples: dict[Path, list[Sample]] = {psi: [], baseline: []}
    for _ in range(plan.runs):
        for socket, taken in samples.items():
            taken.append(
                generator.for_seconds(socket, clients, plan.seconds, warmup=WARMUP_SECONDS)
            )
            tick()
    return Round(clients, other_work, samples[psi], samples[baseline])
