"""Tries what a plan names and prints one JSON line for each attempt: what it got, or the errno.

It runs in place of a service's program, inside the unit's sandbox, and outside of it as the twin
that shows that the same attempt can succeed. It needs nothing but the standard library.

    python3 -I FOLDER PLAN      PLAN: a JSON list of attempts, each [verb, argument, …]
"""

import errno
import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import files
import frames
import kernel
import memory
import programs
import sockets
import status

VERBS: dict[str, Callable[..., Any]] = {
    **files.VERBS,
    **frames.VERBS,
    **kernel.VERBS,
    **memory.VERBS,
    **programs.VERBS,
    **sockets.VERBS,
    **status.VERBS,
}
WAITING = frozenset({"reach", "talk", "drip"})
"""Verbs that wait for somebody: they run beside each other, the rest one after the other."""
THREADS = 16
"""Half of the tasks that a service may have."""


def attempt(words: Sequence[Any]) -> dict[str, Any]:
    """Return the attempt with what it got, or with the name of the error."""
    verb, *arguments = words
    try:
        return {"attempt": words, "got": VERBS[verb](*arguments)}
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, type(error).__name__)
        return {"attempt": words, "refused": name}


def main() -> None:
    """Try all; an attempt that fails otherwise than by an errno is a fault of the plan."""
    plan = json.loads(Path(sys.argv[1]).read_text())
    with ThreadPoolExecutor(THREADS) as pool:
        waiting = [pool.submit(attempt, words) for words in plan if words[0] in WAITING]
        for words in plan:
            if words[0] not in WAITING:
                print(json.dumps(attempt(words)), flush=True)  # noqa: T201  # what it is for
        for future in waiting:
            print(json.dumps(future.result()), flush=True)  # noqa: T201  # what it is for


main()
