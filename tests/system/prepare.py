"""Make what all system tests stand on, for both releases at once: ``make test-system``.

    python -m tests.system.prepare [SUITE]

Without it the tests make it themselves, one release after the other.
"""

import subprocess
import sys
import time

from tests.system.ability import lack
from tests.system.installed import installed_layers
from tests.system.suite import SUITES


def main(name: str | None) -> int:
    """Make one release's, or both in a process each; return the exit code."""
    if lack() is not None:
        return 0  # the tests say why
    if name is not None:
        began = time.monotonic()
        (suite,) = (each for each in SUITES if each.name == name)
        installed_layers(suite)
        sys.stdout.write(f"{name} with PSI installed: {time.monotonic() - began:.0f} s\n")
        return 0
    argv = [sys.executable, "-m", "tests.system.prepare"]
    children = [subprocess.Popen([*argv, suite.name]) for suite in SUITES]
    return max([abs(child.wait()) for child in children])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else None))
