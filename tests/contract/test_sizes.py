"""No file and no function outgrows a reader."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES = 300
FUNCTION_LINES = 60
SOURCES = sorted(
    source
    for folder in ("services", "shared", "psictl")
    for source in (ROOT / folder).rglob("*.py")
)


def _place(source: Path) -> str:
    return str(source.relative_to(ROOT))


def functions(text: str) -> dict[str, int]:
    """Return how many lines each function of a source has, decorators and docstring included."""
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            assert node.end_lineno is not None
            found[f"{node.name}:{first}"] = node.end_lineno - first + 1
    return found


def too_long(text: str) -> list[str]:
    """Return the functions that are too long."""
    return [name for name, lines in functions(text).items() if lines > FUNCTION_LINES]


def test_there_are_sources() -> None:
    assert {"shared/routes.py", "psictl/cli.py", "services/frontend/head.py"} <= {
        _place(source) for source in SOURCES
    }


@pytest.mark.parametrize("source", SOURCES, ids=_place)
def test_a_file_is_short_and_so_are_its_functions(source: Path) -> None:
    text = source.read_text()
    assert len(text.splitlines()) <= FILE_LINES
    assert too_long(text) == []


@pytest.mark.parametrize("source", SOURCES, ids=_place)
def test_a_module_says_what_it_is_for(source: Path) -> None:
    assert ast.get_docstring(ast.parse(source.read_text()))


def test_a_long_function_is_found() -> None:
    text = "@cache\nasync def f() -> None:\n" + "    x\n" * 59
    assert too_long(text) == ["f:1"]
    assert too_long(text.replace("    x\n", "", 1)) == []
