"""docs/matrix.md: every row is there, and the tests that it names are those that there are."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAPER = (ROOT / "docs" / "matrix.md").read_text()
WALLS = ROOT / "tests" / "system" / "walls"
RELEASES = ("trixie", "bookworm")
ROWS = 27
_ROW = re.compile(r"^\| (\d+) \|(.*)\|$", re.MULTILINE)
_NAMED = re.compile(r"`([\w./]+\.py)::(test_\w+)`")
_NUMBERS = re.compile(r"^test_((?:\d\d_)+)")


def rows() -> dict[int, list[str]]:
    """Return the cells of each row by its number."""
    return {
        int(number): [cell.strip() for cell in cells.split("|")]
        for number, cells in _ROW.findall(PAPER)
    }


def names_in(path: Path) -> set[str]:
    """Return the names of a file's tests."""
    tree = ast.parse(path.read_text())
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {name for name in found if name.startswith("test_")}


def of_the_walls() -> set[tuple[str, str]]:
    """Return all tests of the walls, each with its file."""
    return {(path.name, name) for path in WALLS.glob("*.py") for name in names_in(path)}


def numbers_of(test: str) -> set[int]:
    """Return the rows that a test of the walls says it belongs to."""
    found = _NUMBERS.match(test)
    return {int(number) for number in found[1].split("_") if number} if found else set()


def test_every_row_is_there_once_and_in_order() -> None:
    assert [int(number) for number, _ in _ROW.findall(PAPER)] == list(range(1, ROWS + 1))


@pytest.mark.parametrize("number", range(1, ROWS + 1))
def test_a_row_has_its_wall_its_expectation_both_releases_and_tests(number: int) -> None:
    wall, expected, older, newer, tests = rows()[number]
    assert wall
    assert expected
    assert older
    assert newer
    assert "gap" not in newer
    named = _NAMED.findall(tests)
    assert named
    for file, name in named:
        if not file.startswith("../"):
            assert number in numbers_of(name), f"{name} is no test of row {number}"


def test_every_test_that_is_named_exists() -> None:
    for file, name in _NAMED.findall(PAPER):
        assert name in names_in(WALLS / file), f"{file} has no {name}"


def test_every_test_of_the_walls_is_named() -> None:
    assert of_the_walls() <= set(_NAMED.findall(PAPER))


@pytest.mark.parametrize("release", RELEASES)
def test_every_test_of_the_walls_runs_on_each_release(release: str) -> None:
    text = (ROOT / "tests" / "system" / f"test_walls_{release}.py").read_text()
    for file in {file for file, _ in of_the_walls()}:
        assert f"from tests.system.walls.{Path(file).stem} import *" in text
