"""Prepare a private Podman for a shell script.

    python -m tests.fakes.podman_host.prepare DIR

Writes Podman's configuration below DIR, imports the busybox image, and prints the variables to
export, one ``NAME=VALUE`` a line. Exit 1 and the reason on stderr where Podman cannot run.
Remove DIR when done: nothing else is left behind.
"""

import sys
from pathlib import Path

from tests.fakes.podman_host.host import PodmanHost
from tests.fakes.podman_host.image import import_busybox
from tests.fakes.podman_host.trial import why_not


def main(folder: Path) -> int:
    """Prepare the folder; return the exit code."""
    reason = why_not()
    if reason is not None:
        sys.stderr.write(f"Podman cannot run here: {reason}\n")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    host = PodmanHost.create(folder.resolve())
    import_busybox(host)
    sys.stdout.writelines(f"{name}={value}\n" for name, value in host.variables.items())
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
