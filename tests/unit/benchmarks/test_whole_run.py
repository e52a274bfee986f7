"""A whole short run against the real suite: every lookup is answered right, all is written."""

import json
from pathlib import Path

import pytest

from benchmarks.goals import CLIENTS, GOALS
from benchmarks.lookup import main


def test_a_run_measures_the_suite_and_the_baseline(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--seconds", "0.1", "--runs", "1", "--json", str(folder / "out.json")]) == 0
    result = json.loads((folder / "out.json").read_bytes())
    assert [entry["clients"] for entry in result["rounds"]] == list(CLIENTS)
    for entry in result["rounds"]:
        for sample in (*entry["psi"], *entry["baseline"]):
            assert (sample["errors"], sample["requests"] > 0) == (0, True)
    printed = capsys.readouterr().out
    assert all(goal.title in printed for goal in GOALS)
    assert {goal["title"] for goal in result["goals"]} > {goal.title for goal in GOALS}
