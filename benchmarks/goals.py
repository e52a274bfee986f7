"""What the lookup path has to reach, and whether the measurements do.

Each goal is a ratio to the baseline in the same run, so that it means the same on every machine.
Three more verdicts say whether the measurement itself can be believed.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.loadgen import Sample

Metric = Literal["throughput", "p50", "p99"]
CLIENTS = (1, 16, 64)
"""One container start; a pod of them; a boot that starts everything at once."""
MAX_CLIENT_CPU = 0.85
"""Of one core: a load generator beyond it might be what is measured."""

MAX_OTHER_WORK = 0.3
"""Cores that other work may use before a round: see :mod:`benchmarks.quiet` for what it bends."""


@dataclass(frozen=True)
class Round:
    """The samples of both subjects at one number of clients, taken in turn."""

    clients: int
    other_work: float
    psi: Sequence[Sample]
    baseline: Sequence[Sample]

    def median(self, subject: Literal["psi", "baseline"], metric: Metric) -> float:
        """Return the median over one subject's runs."""
        samples = self.psi if subject == "psi" else self.baseline
        return statistics.median(float(getattr(sample, metric)) for sample in samples)

    def ratio(self, metric: Metric) -> float:
        """Return PSI's median over the baseline's; infinite where the baseline has none."""
        baseline = self.median("baseline", metric)
        return self.median("psi", metric) / baseline if baseline else float("inf")


@dataclass(frozen=True)
class Goal:
    """A bound on the ratio of one metric at one number of clients."""

    clients: int
    metric: Metric
    sign: Literal[">=", "<="]
    bound: float

    @property
    def title(self) -> str:
        """Name it for the report."""
        plural = "client" if self.clients == 1 else "clients"
        return f"{self.clients} {plural}: {self.metric} {self.sign} {self.bound:.1f} x baseline"


@dataclass(frozen=True)
class Verdict:
    """A goal, what was measured, and whether it is met."""

    title: str
    measured: float
    passed: bool


GOALS = (
    Goal(clients=16, metric="throughput", sign=">=", bound=2.0),
    Goal(clients=1, metric="p50", sign="<=", bound=1.0),
)


def judge(rounds: Sequence[Round], goals: Sequence[Goal] = GOALS) -> list[Verdict]:
    """Hold the measurements against the goals, and then against what makes them believable."""
    by_clients = {entry.clients: entry for entry in rounds}
    verdicts = [_compare(goal, by_clients[goal.clients]) for goal in goals]
    samples = [sample for entry in rounds for sample in (*entry.psi, *entry.baseline)]
    return [*verdicts, _no_errors(samples), _client_is_cheap(samples), _machine_is_quiet(rounds)]


def _compare(goal: Goal, entry: Round) -> Verdict:
    ratio = entry.ratio(goal.metric)
    passed = ratio >= goal.bound if goal.sign == ">=" else ratio <= goal.bound
    return Verdict(goal.title, ratio, passed)


def _no_errors(samples: Sequence[Sample]) -> Verdict:
    errors = sum(sample.errors for sample in samples)
    answered = all(sample.requests for sample in samples)
    return Verdict("wrong, truncated or missing replies = 0", errors, answered and not errors)


def _client_is_cheap(samples: Sequence[Sample]) -> Verdict:
    share = max(sample.client_cpu for sample in samples)
    title = f"load generator's share of a core <= {MAX_CLIENT_CPU}"
    return Verdict(title, share, share <= MAX_CLIENT_CPU)


def _machine_is_quiet(rounds: Sequence[Round]) -> Verdict:
    cores = max(entry.other_work for entry in rounds)
    title = f"cores busy with other work <= {MAX_OTHER_WORK}"
    return Verdict(title, cores, cores <= MAX_OTHER_WORK)
