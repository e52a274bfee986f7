"""The entry point: reads the arguments, runs one command, turns every error into an exit code.

Exit codes: 0 done or healthy; 1 failed; 2 usage or configuration; 3 done, but something was
refused or there is drift; 4 a service or socket cannot be reached; 5 temporary, try again.
"""

import signal
import sys
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import NoReturn

from psi.shared.errors import PsiError
from psictl.cli import build_app
from psictl.output import say

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells report it."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run ``psictl`` with the arguments, by default the process's, and exit."""
    sys.excepthook = _report_fault
    signal.signal(signal.SIGINT, _interrupt)
    run(list(sys.argv[1:] if arguments is None else arguments))


def run(argv: list[str]) -> NoReturn:
    """Run one command and exit with its code; an error that it expects is one line."""
    try:
        build_app(argv)(args=argv, prog_name="psictl")
    except PsiError as error:
        say(str(error))
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - typer replaces sys.excepthook, and its shows it all
        _report_fault(type(error), error, error.__traceback__)
        sys.exit(PsiError.exit_code)
    sys.exit(0)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(INTERRUPTED)


def _report_fault(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Say in one line what no command expected; its text may hold a secret and is left out."""
    place = "?"
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = f"{code.co_filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    cause = (error.strerror or "") if isinstance(error, OSError) else ""
    say(f"a fault in psictl itself: {kind.__name__} {cause} at {place}; please report this line")


if __name__ == "__main__":
    main()
