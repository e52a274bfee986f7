"""The report tells every number and verdict, to a person and to a program."""

import io
import json

from rich.console import Console

from benchmarks.goals import Round, Verdict
from benchmarks.report import PLAIN_WIDTH, as_json, show
from tests.unit.benchmarks.test_goals import GOOD, sample

ROUND = Round(16, 0.0, [sample(throughput=12_345.0)], [GOOD])
MET, MISSED = Verdict("this goal", 2.5, passed=True), Verdict("that goal", 0.5, passed=False)


def shown(verdicts: list[Verdict]) -> str:
    stream = io.StringIO()
    show(Console(file=stream, width=PLAIN_WIDTH), [ROUND], verdicts)
    return stream.getvalue()


def test_the_table_has_both_subjects_and_the_ratio() -> None:
    row = next(line for line in shown([]).splitlines() if "lookups/s" in line)
    assert [part for part in row.replace("│", " ").split() if part != "lookups/s"] == [
        "16",
        "12,345",
        "100",
        "123.45",
    ]


def test_each_goal_has_its_verdict() -> None:
    text = shown([MET, MISSED])
    assert "pass" in next(line for line in text.splitlines() if "this goal" in line)
    assert "FAIL" in next(line for line in text.splitlines() if "that goal" in line)


def test_the_json_has_every_sample_and_passes_only_if_all_do() -> None:
    result = json.loads(as_json([ROUND], [MET, MISSED]))
    assert result["schema"] == 1
    assert result["rounds"][0]["psi"][0]["throughput"] == 12_345.0
    assert [goal["passed"] for goal in result["goals"]] == [True, False]
    assert result["passed"] is False


def test_the_json_passes_when_all_goals_do() -> None:
    assert json.loads(as_json([ROUND], [MET]))["passed"] is True
