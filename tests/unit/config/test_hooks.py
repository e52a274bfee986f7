"""Hooks are argument lists: what only a shell understands is refused with its line."""

import pytest

from psictl.config.document import compose
from psictl.config.fields import list_of
from psictl.config.hooks import hook
from psictl.config.problems import Problems
from psictl.config.value import Value


def _read(command: str) -> tuple[list[tuple[str, ...]], str]:
    problems = Problems("f")
    quoted = command.replace("'", "''")
    root = compose(f"- '{quoted}'\n", problems)
    assert root is not None
    hooks = list_of(hook)(Value(root, "hooks", problems))
    try:
        problems.raise_errors()
    except Exception as error:  # noqa: BLE001  # the text of whatever was refused
        return [], str(error)
    return hooks, ""


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("systemctl reload traefik.service", ("systemctl", "reload", "traefik.service")),
        ("/usr/bin/mail -s 'a | b; $x' root", ("/usr/bin/mail", "-s", "a | b; $x", "root")),
        ('echo "a | b & c"', ("echo", "a | b & c")),
        (r"echo a\|b \$x", ("echo", "a|b", "$x")),
        (r'echo "\"a\\"', ("echo", '"a\\')),
        ("env A=b c", ("env", "A=b", "c")),
    ],
)
def test_taken(command: str, argv: tuple[str, ...]) -> None:
    assert _read(command) == ([argv], "")


@pytest.mark.parametrize(
    "command",
    [
        "a && b",
        "a & ",
        "a | b",
        "a || b",
        "a; b",
        "a > /etc/passwd",
        "a < b",
        "a $(b)",
        "a `b`",
        "a $HOME",
        'a "$HOME"',
        'a "`b`"',
        r'a "\$HOME"',
        "a (b)",
    ],
)
def test_a_shell_operator_is_refused(command: str) -> None:
    hooks, error = _read(command)
    assert hooks == []
    assert error.startswith("f:1: hooks[0]: ")
    assert "is the shell's" in error


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("''", "is empty"),
        ("a 'b", "correct the quotes"),
        ("a \\", "correct the quotes"),
        ("A=b c", "write env NAME=VALUE COMMAND"),
        ("bin/reload", "is relative"),
        ("./reload", "is relative"),
        ("a " + "x" * 1100, "put a long command in a script"),
    ],
)
def test_refused(command: str, words: str) -> None:
    hooks, error = _read(command)
    assert hooks == []
    assert words in error
