"""Measures cached lookups through the whole chain against the baseline: `make bench`.

    python -m benchmarks.lookup [--strict] [--json FILE] [--seconds S] [--runs N]

A lookup is a fresh connection, one request and its reply, as Podman's driver command makes it. PSI
runs as the development host with `cache: {backend: memory}`, every value cached beforehand.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks import report
from benchmarks.failure import BenchmarkError
from benchmarks.goals import CLIENTS, Round, Verdict, judge
from benchmarks.loadgen import LoadGenerator, compile_loadgen, write_ids
from benchmarks.measure import Plan, fill_cache, measure
from benchmarks.outage import measure_outage
from benchmarks.subjects import start

SECONDS = 2.0
"""Of each run: ten thousand lookups and more, so p99 rests on a hundred."""
RUNS = 5
"""Of each subject at each number of clients: the median shrugs off two disturbed ones."""


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.lookup", description=__doc__)
    parser.add_argument("--strict", action="store_true", help="exit 1 if a goal is missed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to FILE")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each run")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each subject, in turn")
    arguments = parser.parse_args(argv)
    if arguments.seconds <= 0 or arguments.runs < 1:
        parser.error("--seconds must be above 0 and --runs at least 1")
    return arguments


def take_rounds(program: Path, folder: Path, plan: Plan, console: Console) -> list[Round]:
    """Start both subjects below the folder, measure them and end them."""
    with ExitStack() as stack:
        subjects = start(stack, folder)
        write_ids(folder / "ids", subjects.values)
        generator = LoadGenerator(program, folder / "ids")
        for name, socket in (("psi", subjects.psi), ("the baseline", subjects.baseline)):
            fill_cache(generator, socket, len(subjects.values), name)
        progress = stack.enter_context(
            Progress(console=console, transient=True, disable=not console.is_terminal)
        )
        task = progress.add_task("measuring", total=2 * plan.runs * len(CLIENTS))
        return [
            measure(
                generator,
                subjects.psi,
                subjects.baseline,
                clients,
                plan,
                lambda: progress.advance(task),
            )
            for clients in CLIENTS
        ]


def take_all(folder: Path, plan: Plan, console: Console) -> tuple[list[Round], list[Verdict]]:
    """Measure lookups, then what an outage costs them; return the verdicts on both."""
    program = compile_loadgen(folder)
    rounds = take_rounds(program, folder, plan, console)
    outage = measure_outage(program, folder / "away", plan)
    return rounds, [*judge(rounds), *outage.verdicts()]


def main(argv: list[str] | None = None) -> int:
    """Measure and report; 1 if nothing could be measured or, with --strict, a goal is missed."""
    arguments = parse(argv)
    console = report.make_console()
    try:
        with tempfile.TemporaryDirectory(prefix="psi-bench-") as folder:
            plan = Plan(arguments.seconds, arguments.runs)
            rounds, verdicts = take_all(Path(folder), plan, console)
    except BenchmarkError as error:
        print(f"benchmarks.lookup: {error}", file=sys.stderr)
        return 1
    report.show(console, rounds, verdicts)
    if arguments.json:
        arguments.json.write_bytes(report.as_json(rounds, verdicts))
    return int(arguments.strict and not all(verdict.passed for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
