"""The command line of `make bench` refuses nonsense and tells why it could not measure."""

from pathlib import Path

import pytest

from benchmarks.lookup import RUNS, SECONDS, main, parse


def test_the_defaults_are_those_of_the_goals() -> None:
    arguments = parse([])
    assert (arguments.seconds, arguments.runs) == (SECONDS, RUNS)
    assert (arguments.strict, arguments.json) == (False, None)


@pytest.mark.parametrize("argv", [["--seconds", "0"], ["--seconds", "-1"], ["--runs", "0"]])
def test_a_run_without_time_or_number_is_refused(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(argv)
    assert refused.value.code == 2
    assert "--seconds must be above 0 and --runs at least 1" in capsys.readouterr().err


def test_without_a_compiler_it_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert main(["--seconds", "0.1", "--runs", "1"]) == 1
    assert "apt-get install gcc libc6-dev" in capsys.readouterr().err
