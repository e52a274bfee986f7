"""An upgrade on a booted host: beside, switched by one link, and no lookup is lost."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.system.host import Host
from tests.system.installed import INSTALL_SECONDS, SOURCE, WHEELHOUSE, put_checkout
from tests.system.lookups import SteadyLookups
from tests.system.stage import Stage
from tests.system.test_restarts import SERVICES, secret_ids

NEWER: Final = "/root/wheelhouse"
_MAKE_NEWER: Final = '''\
"""Make a folder of wheels in which PSI's own differs by a comment."""

import pathlib, sys, zipfile

old, new = map(pathlib.Path, sys.argv[1:])
new.mkdir()
for wheel in old.iterdir():
    if not wheel.name.startswith("psi_suite-"):
        (new / wheel.name).symlink_to(wheel)
        continue
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(new / wheel.name, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "psi/shared/__init__.py":
                data += b"# The next version.\\n"
            target.writestr(name, data)
'''
STOP_ORDER: Final = ("sealer", "broker", "pki", "frontend")


@pytest.fixture(scope="module")
def stage(host: Host) -> Iterator[Stage]:
    with Stage(host) as stage:
        yield stage.bring_up()


def main_pids(host: Host) -> dict[str, str]:
    """Return the process of each service."""
    return {each: host.property(f"psi-{each}.service", "MainPID") for each in SERVICES}


def test_an_upgrade_under_load_loses_no_lookup(stage: Stage) -> None:
    host = stage.host
    put_checkout(host)
    host.run(["python3", "-I", "-c", _MAKE_NEWER, WHEELHOUSE, NEWER])
    before, pids = host.run(["readlink", "/usr/lib/psi/current"]).stdout, main_pids(host)
    config = host.read("/etc/psi/config.yaml")
    with SteadyLookups(host, sorted(secret_ids(host).values())) as load:
        host.run(["make", "-C", SOURCE, "install", f"WHEELHOUSE={NEWER}"], seconds=INSTALL_SECONDS)
        for process in SERVICES:
            host.wait_active(f"psi-{process}.service")
    assert load.failed == []
    assert host.run(["readlink", "/usr/lib/psi/current"]).stdout != before
    assert not set(main_pids(host).items()) & set(pids.items())
    assert host.read("/etc/psi/config.yaml") == config
    assert host.psictl("status").returncode == 0


def test_servers_were_restarted_before_their_callers(stage: Stage) -> None:
    moments = [
        int(stage.host.property(f"psi-{each}.service", "ExecMainStartTimestampMonotonic"))
        for each in STOP_ORDER
    ]
    assert moments == sorted(moments)


def test_the_same_again_changes_nothing(stage: Stage) -> None:
    host, pids = stage.host, main_pids(stage.host)
    host.run(["make", "-C", SOURCE, "install", f"WHEELHOUSE={NEWER}"], seconds=INSTALL_SECONDS)
    assert main_pids(host) == pids


def test_uninstalled_all_is_gone_but_config_and_state(stage: Stage) -> None:
    host = stage.host
    host.run(["make", "-C", SOURCE, "uninstall"], seconds=INSTALL_SECONDS)
    gone = ("/usr/lib/psi", "/usr/lib/systemd/system/psi.target", "/usr/local/bin/psictl")
    for path in gone:
        assert host.run(["test", "-e", path], check=False).returncode == 1, path
    for path in ("/etc/psi/config.yaml", "/var/lib/psi/cache.enc", "/var/lib/psi-config/current"):
        host.run(["test", "-e", path])
    assert host.run(["systemctl", "list-units", "psi*", "--no-legend"]).stdout == ""


def test_installed_again_it_goes_on_where_it_was(stage: Stage) -> None:
    host = stage.host
    ids = sorted(secret_ids(host).values())
    host.run(["make", "-C", SOURCE, "install", f"WHEELHOUSE={NEWER}"], seconds=INSTALL_SECONDS)
    host.psictl("apply")
    host.systemctl("enable", "--now", "psi.target")
    host.wait(lambda: host.psictl("status", check=False).returncode == 0, "PSI to be well")
    with SteadyLookups(host, ids) as load:
        pass
    assert load.failed == []
