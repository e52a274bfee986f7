"""The story of one container start: run it with ``make demo``."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from demo.container import Starter, choose_starter
from demo.stage import DemoFailure, Stage, example_values
from psi.shared.errors import PsiError
from tests.fakes.infisical.seed import EXAMPLE_CLIENT_SECRET
from tests.fakes.process_memory import memory_holds

SHORT_FOLDER = "/tmp"  # noqa: S108  # a private folder is made in it
"""Whatever TMPDIR says: the path of a socket ends at 108 bytes."""


def say(text: str = "") -> None:
    """Print a line of the story."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def step(number: int, title: str) -> None:
    """Begin a step."""
    say(f"\n{number}. {title}")


def proved(claim: str, *, holds: bool) -> None:
    """Print what a step shows; raises DemoFailure where it does not."""
    if not holds:
        raise DemoFailure(f"this does not hold: {claim}")
    say(f"   proved: {claim}")


def tell(stage: Stage) -> None:
    """Tell the story; raises DemoFailure at the first step that fails."""
    values = example_values()
    step(1, "An example Infisical serves secrets over HTTP")
    say(f"   {stage.infisical.url}, project myproject, environment prod, folder /myapp:")
    say(f"   {', '.join(sorted(values))}")

    step(2, "The suite starts: three processes, each with its own sockets")
    stage.start_suite()
    _show_processes(stage)

    step(3, "psictl setup registers the workload's secrets with Podman")
    say("   " + stage.config_excerpt.replace("\n", "\n   "))
    starter, reason = choose_starter(stage)
    if reason is not None:
        say(f"   Podman cannot run here ({reason});")
        say("   so the demo runs the very command that Podman runs for each secret.")
    names = starter.register()
    _show_mapping(stage, names)

    step(4, f"Start {starter.how}")
    _show_start(starter, names, values)

    step(5, "Infisical goes down, and it starts again from the broker's memory")
    stage.stop_infisical()
    _show_start(starter, names, values)

    step(6, "Whoever owns the frontend cannot read what no workload uses")
    _show_policy(stage)


def _show_processes(stage: Stage) -> None:
    pids, secret = stage.ready["pids"], EXAMPLE_CLIENT_SECRET.encode()
    for name, pid in pids.items():
        say(f"   {name}, pid {pid}")
    proved(
        "the Infisical credential is in the broker's memory, and not in the frontend's",
        holds=memory_holds(pids["broker"], secret) and not memory_holds(pids["frontend"], secret),
    )


def _show_mapping(stage: Stage, names: dict[str, str]) -> None:
    name = min(names)
    mapping = (stage.root / "var/lib/psi" / names[name]).read_text()
    say(f"   {len(names)} secrets; what the host keeps of {name}: {mapping}")
    values = [v for v in example_values().values() if len(v) > 8]
    kept = b"".join(p.read_bytes() for p in (stage.root / "var/lib/psi").iterdir() if p.is_file())
    proved("no value is in the state folder", holds=not any(value in kept for value in values))


def _show_start(starter: Starter, names: dict[str, str], values: dict[str, bytes]) -> None:
    began = time.monotonic()
    got = starter.start(names)
    for key, value in sorted(got.items()):
        say(f"   {key}={value.decode()!r}")
    proved(
        f"{len(got)} values came byte for byte, in {time.monotonic() - began:.2f} s in all",
        holds=got == values,
    )


def _show_policy(stage: Stage) -> None:
    mapping = {"provider": "infisical", "project": "billing", "path": "/", "key": "STRIPE"}
    say(f"   storing {json.dumps(mapping)} under a fresh id:")
    done = subprocess.run(
        [
            *("curl", "-q", "-s", "-f", "-o", os.devnull, "-w", "%header{psi-reason}"),
            *("--unix-socket", stage.ready["http"], "--data-binary", json.dumps(mapping)),
            f"http://localhost/store/{'0' * 25}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    say(f"   {done.stdout.strip()}")
    proved("the broker refuses what no workload draws from", holds=done.returncode == 22)


def main() -> int:
    """Run the demo; 0 when every step showed what it should."""
    with (
        tempfile.TemporaryDirectory(prefix="psi-demo-", dir=SHORT_FOLDER) as folder,
        Stage(Path(folder)) as stage,
    ):
        try:
            tell(stage)
        except (DemoFailure, PsiError, OSError) as error:
            say(f"\nThe demo failed: {error}")
            return 1
    say("\nAll steps held; nothing is left running or on disk.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
