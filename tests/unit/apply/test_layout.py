"""Where everything is, and which roots are taken."""

from pathlib import Path

import pytest

from psi.shared.errors import ConfigError
from psi.shared.processes import Process
from psictl.layout import MAX_ROOT_BYTES, Layout


def test_the_hosts_own_paths() -> None:
    host = Layout()
    assert host.is_host
    assert str(host.config) == "/etc/psi/config.yaml"
    assert str(host.config_dir) == "/var/lib/psi-config"
    assert str(host.state) == "/var/lib/psi"
    assert str(host.http_socket) == "/run/psi/psi.sock"
    assert str(host.control_socket(Process.BROKER)) == "/run/psi-ctl/broker.sock"
    ipc = host.ipc_socket(Process.BROKER, Process.FRONTEND)
    assert str(ipc) == "/run/psi-ipc/broker-frontend/sock"
    assert str(host.quadlets) == "/etc/containers/systemd"
    assert str(host.containers_conf_dir) == "/etc/containers/containers.conf.d"
    assert str(host.credstore) == "/etc/credstore"
    assert str(host.credstore_encrypted) == "/etc/credstore.encrypted"
    assert str(host.generated) == "/etc/psi/generated"
    assert str(host.unit_dir) == "/etc/systemd/system"


def test_every_path_lies_below_the_root() -> None:
    layout = Layout(Path("/tmp/x"))  # noqa: S108  # never made
    assert not layout.is_host
    assert str(layout.http_socket) == "/tmp/x/run/psi/psi.sock"  # noqa: S108
    assert str(layout.config) == "/tmp/x/etc/psi/config.yaml"  # noqa: S108


def test_a_root_of_sixty_bytes_leaves_room_for_every_socket() -> None:
    layout = Layout(Path("/" + "r" * (MAX_ROOT_BYTES - 1)))
    longest = layout.ipc_socket(Process.SEALER, Process.FRONTEND)
    assert len(str(longest)) < 108


@pytest.mark.parametrize("name", ["r" * MAX_ROOT_BYTES, "ü" * 30])
def test_a_longer_root_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="socket paths end at 108"):
        Layout(Path("/" + name))


@pytest.mark.parametrize("root", ["/", "//", "/usr/.."])
def test_every_way_to_name_the_host_is_the_host(root: str) -> None:
    assert Layout(Path(root)).is_host


def test_a_relative_root_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not absolute"):
        Layout(Path("here"))
