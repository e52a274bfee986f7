"""A goal is met at its bound and missed beyond it; an unsound measurement never passes."""

import msgspec
import pytest

from benchmarks.goals import GOALS, MAX_CLIENT_CPU, MAX_OTHER_WORK, Goal, Round, judge
from benchmarks.loadgen import Sample

GOOD = Sample(
    requests=100,
    errors=0,
    bad_status=0,
    wrong_value=0,
    truncated=0,
    transport=0,
    timeouts=0,
    connect_retries=0,
    seconds=1.0,
    throughput=100.0,
    p50=100.0,
    p99=200.0,
    max=300.0,
    client_cpu=0.3,
)
THROUGHPUT = Goal(clients=16, metric="throughput", sign=">=", bound=2.0)
LATENCY = Goal(clients=16, metric="p50", sign="<=", bound=1.0)


def sample(**changes: float) -> Sample:
    return msgspec.structs.replace(GOOD, **changes)


def entry(
    psi: list[Sample], baseline: Sample = GOOD, clients: int = 16, other_work: float = 0.0
) -> Round:
    return Round(clients, other_work, psi, [baseline] * len(psi))


def passed(psi: Sample, goal: Goal) -> bool:
    return judge([entry([psi])], [goal])[0].passed


@pytest.mark.parametrize(("throughput", "met"), [(199.9, False), (200.0, True), (400.0, True)])
def test_a_lower_bound_is_met_from_it_on(throughput: float, met: bool) -> None:  # noqa: FBT001 - a table row
    assert passed(sample(throughput=throughput), THROUGHPUT) is met


@pytest.mark.parametrize(("p50", "met"), [(100.1, False), (100.0, True), (50.0, True)])
def test_an_upper_bound_is_met_up_to_it(p50: float, met: bool) -> None:  # noqa: FBT001 - a table row
    assert passed(sample(p50=p50), LATENCY) is met


def test_the_median_decides_not_the_best_run() -> None:
    runs = [sample(throughput=t) for t in (900.0, 900.0, 150.0, 150.0, 150.0)]
    verdict = judge([entry(runs)], [THROUGHPUT])[0]
    assert (verdict.measured, verdict.passed) == (1.5, False)


def test_two_disturbed_runs_do_not_decide() -> None:
    runs = [sample(throughput=t) for t in (1.0, 1.0, 250.0, 250.0, 250.0)]
    verdict = judge([entry(runs)], [THROUGHPUT])[0]
    assert (verdict.measured, verdict.passed) == (2.5, True)


def test_each_goal_looks_at_its_own_number_of_clients() -> None:
    rounds = [entry([sample(throughput=500.0)], clients=1), entry([GOOD], clients=16)]
    assert judge(rounds, [THROUGHPUT])[0].passed is False


def test_a_baseline_without_replies_gives_no_finite_ratio() -> None:
    dead = sample(throughput=0.0, p50=0.0)
    assert entry([GOOD], dead).ratio("p50") == float("inf")


def test_sound_measurements_pass() -> None:
    assert [verdict.passed for verdict in judge([entry([GOOD])], [])] == [True] * 3


@pytest.mark.parametrize("psi_errs", [True, False])
def test_one_error_on_either_side_fails(psi_errs: bool) -> None:  # noqa: FBT001 - a table row
    bad = sample(errors=1, wrong_value=1)
    rounds = [entry([bad]) if psi_errs else entry([GOOD], bad)]
    assert judge(rounds, [])[0].passed is False


def test_a_run_without_requests_fails() -> None:
    assert judge([entry([sample(requests=0)])], [])[0].passed is False


def test_a_load_generator_that_is_the_bottleneck_fails() -> None:
    busy = sample(client_cpu=MAX_CLIENT_CPU + 0.01)
    assert judge([entry([GOOD, busy])], [])[1].passed is False


def test_a_busy_machine_fails() -> None:
    busy = entry([GOOD], other_work=MAX_OTHER_WORK + 0.01)
    assert judge([busy, entry([GOOD])], [])[2].passed is False


def test_the_goals_are_the_agreed_ones() -> None:
    agreed = [("16 clients: throughput >= 2.0 x baseline"), ("1 client: p50 <= 1.0 x baseline")]
    assert [goal.title for goal in GOALS] == agreed
