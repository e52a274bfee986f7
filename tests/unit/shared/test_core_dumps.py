"""No core: set by the process, or by its unit where the process may not; else it does not start."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psi.shared.lifecycle import forbid_core_dumps
from tests.unit.shared.source_tree import service_names

SetLimit = Callable[[int, tuple[int, int]], None]
_SECONDS = 20
LIMITS = """\
Limit                     Soft Limit           Hard Limit           Units
Max data size             unlimited            unlimited            bytes
Max core file size        {soft:<21}{hard:<21}bytes
Max open files            1024                 1048576              files
"""
"""As the kernel writes it (proc_pid_limits(5))."""


def limits_file(folder: Path, soft: str, hard: str) -> Path:
    path = folder / "limits"
    path.write_text(LIMITS.format(soft=soft, hard=hard))
    return path


def refused(_limit: int, _ends: tuple[int, int]) -> None:
    """Refuse as Python tells EPERM."""
    raise ValueError("not allowed to raise maximum limit")


def denied(_limit: int, _ends: tuple[int, int]) -> None:
    """Refuse as Python tells any other error."""
    raise OSError(38, "Function not implemented")


@pytest.mark.parametrize("setrlimit", [refused, denied])
def test_a_refusal_is_tolerated_where_the_unit_has_done_it(
    setrlimit: SetLimit, tmp_path: Path
) -> None:
    forbid_core_dumps(setrlimit, limits_file(tmp_path, "0", "0"))


@pytest.mark.parametrize("hard", ["unlimited", "4096"])
def test_a_refusal_is_an_error_where_cores_are_allowed(hard: str, tmp_path: Path) -> None:
    with pytest.raises(PsiError) as caught:
        forbid_core_dumps(refused, limits_file(tmp_path, "0", hard))
    assert f"their hard limit is {hard}; set LimitCORE=0" in str(caught.value)
    assert "not allowed to raise maximum limit" in str(caught.value)


@pytest.mark.parametrize("text", [None, "", "Max core file size", "Max open files 0 0 files\n"])
def test_a_refusal_is_an_error_where_nobody_can_tell(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "limits"
    if text is not None:
        path.write_text(text)
    with pytest.raises(PsiError, match="their hard limit is unknown"):
        forbid_core_dumps(refused, path)


def test_what_is_not_refused_is_set_and_nothing_is_read(tmp_path: Path) -> None:
    told: list[tuple[int, tuple[int, int]]] = []
    forbid_core_dumps(lambda *given: told.append(given), tmp_path / "none")
    assert told == [(resource.RLIMIT_CORE, (0, 0))]


_SERVICE = """
import resource, runpy, sys
allowed = sys.argv[2] == "allowed"
if not allowed:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
def refused(limit, ends):
    raise ValueError("not allowed to raise maximum limit")
resource.setrlimit = refused
if allowed:  # whatever the machine says
    import psi.shared.lifecycle
    psi.shared.lifecycle._hard_core_limit = lambda _: "unlimited"
runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
"""


def started(name: str, folder: Path, cores: str) -> subprocess.CompletedProcess[str]:
    """Run a service whose setrlimit is refused, and which has no sockets, to its end."""
    return subprocess.run(
        [sys.executable, "-c", _SERVICE, f"psi.{name}", cores],
        env={"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": str(folder)},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("name", service_names())
def test_a_service_under_limit_core_goes_on(name: str, tmp_path: Path) -> None:
    """It comes as far as what is next: its credentials, or its sockets."""
    done = started(name, tmp_path, "forbidden")
    assert "core" not in done.stderr
    assert done.returncode == 2
    assert "credential config.json" in done.stderr or "no listening sockets" in done.stderr


@pytest.mark.parametrize("name", service_names())
def test_a_service_that_would_dump_a_core_ends_and_says_why(name: str, tmp_path: Path) -> None:
    done = started(name, tmp_path, "allowed")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'<3>psi-{name}: failed cause="core dumps cannot be forbidden')
    assert "set LimitCORE=0" in line
    assert done.returncode == 1
