"""A host on which PSI is installed as a user would, kept as layers to boot any number from."""

import shutil
from functools import partial
from pathlib import Path
from typing import Final

from tests.system.cache import entry, key_of
from tests.system.checkout import archive, checkout_key
from tests.system.host import Host
from tests.system.programs import run_program
from tests.system.root_folder import root_folder
from tests.system.suite import Suite
from tests.system.wheelhouse import build_own_wheel, third_party_wheels

SOURCE: Final = "/root/psi"
"""Where the checkout lies on the host."""
WHEELHOUSE: Final = "/srv/wheelhouse"
INSTALL_SECONDS: Final = 300.0


def bare_host(suite: Suite) -> Host:
    """Return a host with nothing of PSI but the wheelhouse, not started yet."""
    return Host(suite, [root_folder(suite)], _options(suite))


def installed_host(suite: Suite) -> Host:
    """Return a host after ``make install``, not started yet."""
    return Host(suite, installed_layers(suite), _options(suite))


def installed_layers(suite: Suite) -> list[Path]:
    """Return the layers of a host after ``make install``, topmost first.

    The installation runs once for each content of the checkout, and is kept.
    """
    root, wheels = root_folder(suite), _wheelhouse(suite)
    key = key_of(root.name, wheels.name, Path(__file__).read_bytes())
    layer = entry(f"installed-{suite.name}", key, partial(_build, suite))
    return [layer / "upper", root]


def _options(suite: Suite) -> list[str]:
    return [f"--bind-ro={_wheelhouse(suite)}:{WHEELHOUSE}"]


def put_checkout(host: Host) -> None:
    """Write the checkout to SOURCE, as ``git clone`` does."""
    host.run(["mkdir", "-p", SOURCE])
    host.run_bytes(["tar", "-x", "-C", SOURCE, "--no-same-owner"], archive())


def install(host: Host) -> None:
    """Copy the checkout to a host and install it as its README says."""
    put_checkout(host)
    argv = ["make", "-C", SOURCE, "install", f"WHEELHOUSE={WHEELHOUSE}"]
    host.run(argv, seconds=INSTALL_SECONDS)


def _wheelhouse(suite: Suite) -> Path:
    third_party = third_party_wheels(suite)
    key = key_of(third_party.name, checkout_key())
    return entry(f"wheelhouse-{suite.name}", key, partial(_gather, third_party))


def _gather(third_party: Path, target: Path) -> None:
    for wheel in third_party.iterdir():
        (target / wheel.name).hardlink_to(wheel)
    build_own_wheel(target)


def _build(suite: Suite, target: Path) -> None:
    with bare_host(suite) as host:
        install(host)
        host.stop()
        shutil.rmtree(host.written / "var/log/journal", ignore_errors=True)
        # With the marks of the overlay, which are extended attributes and device nodes.
        run_program(["cp", "-a", str(host.written), str(target / "upper")], INSTALL_SECONDS)
