"""What every root folder gets beside its packages: what the boot needs, and what it does not."""

from pathlib import Path
from typing import Final

from tests.system.suite import Suite

MACHINE_ID: Final = "5f0e3c1b7a294d86b1e2d3c4f5a60718"
"""Fixed, so that no boot is a first boot and the journal is found."""
MASKED: Final = (
    # They wait for a network, a disk or midnight.
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer",
    "e2scrub_all.timer", "e2scrub_reap.service", "systemd-networkd-wait-online.service",
    # Nobody sits at it.
    "console-getty.service", "getty@tty1.service",
)  # fmt: skip  # grouped by reason
_NETWORK_UNIT: Final = """\
[Unit]
Description=The address that the test gave this host
DefaultDependencies=no
Wants=network.target
Before=network.target network-online.target
[Service]
Type=oneshot
RemainAfterExit=yes
EnvironmentFile=/etc/default/test-network
ExecStart=ip address add ${ADDRESS} dev host0
ExecStart=ip link set host0 up
[Install]
WantedBy=multi-user.target
"""
FILES: Final = {
    "etc/machine-id": f"{MACHINE_ID}\n",
    "etc/hostname": "psi-test\n",
    "etc/hosts": "127.0.0.1 localhost psi-test\n::1 localhost\n",
    # No name server: what asks for a name is refused at once instead of waiting.
    "etc/resolv.conf": "nameserver 127.0.0.1\n",
    "etc/systemd/journald.conf.d/test.conf": (
        "[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\nSystemMaxFileSize=8M\n"
    ),
    "etc/systemd/system/test-network.service": _NETWORK_UNIT,
}
_PODMAN_CONF: Final = "etc/containers/containers.conf.d/00-test.conf"
LINKS: Final = {
    "etc/systemd/system/multi-user.target.wants/test-network.service": "../test-network.service",
    **{f"etc/systemd/system/{unit}": "/dev/null" for unit in MASKED},
}


def files_of(suite: Suite) -> dict[str, str]:
    """Return FILES and what this release's Podman needs on a machine of any kind."""
    # Where the machine has no pids controller for us, Podman's default limit cannot be set.
    settings = "[containers]\npids_limit = 0\n"
    if suite.crun_raises_memlock:
        # That needs CAP_SYS_RESOURCE, which not every machine's root has.
        settings += 'cgroups = "disabled"\n'
    return FILES | {_PODMAN_CONF: settings}


def write_root_files(suite: Suite, root: Path) -> None:
    """Write the files of a release and LINKS below its root folder."""
    for name, text in files_of(suite).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
    for name, target in LINKS.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)
