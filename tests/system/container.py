"""An application's container on a host: a quadlet, or a plain unit where Podman has none."""

from collections.abc import Iterable
from typing import Final

from tests.system.host import Host
from tests.system.image import IMAGE

_PROGRAM: Final = """\
env >/data/environment.new
mv /data/environment.new /data/environment
trap 'exit 0' TERM
sleep 1000000 &
wait
"""
"""Shows its environment, as no real application should, and ends when told to."""
_QUADLET: Final = """\
[Unit]
Description=An application
[Container]
ContainerName={name}
Image={image}
Network=none
Volume=/srv/{name}:/data
Exec=/bin/sh /data/program
HealthCmd=env | grep -q ^{key}=
HealthInterval=disable
[Install]
WantedBy=multi-user.target
"""
_ORDER: Final = """\
Wants=psi-infisical-setup.service
After=psi-infisical-setup.service
"""
"""What the drop-in of a quadlet says where the workload ``depends_on`` the setup."""
_UNIT: Final = """\
[Unit]
Description=An application
{order}[Service]
Type=notify
NotifyAccess=all
ExecStart=/usr/bin/podman run --rm --replace --detach --sdnotify=conmon --name={name} \\
    --network=none --volume=/srv/{name}:/data --health-cmd='env | grep -q ^{key}=' \\
    --health-interval=disable {secrets} {image} /bin/sh /data/program
ExecStop=/usr/bin/podman stop --ignore {name}
[Install]
WantedBy=multi-user.target
"""


class Container:
    """The unit ``NAME.service``, of a quadlet or not, which needs some secrets of its workload."""

    def __init__(
        self, host: Host, name: str, keys: Iterable[str], *, waits_for_setup: bool = True
    ) -> None:
        self.host = host
        self.name = name
        self.unit = f"{name}.service"
        self._keys = sorted(keys)
        self._order = _ORDER if waits_for_setup else ""

    def define(self) -> None:
        """Write the program and the unit, and have systemd read it; it starts at each boot."""
        self.host.write(f"/srv/{self.name}/program", _PROGRAM)
        fields = {"name": self.name, "image": IMAGE, "key": self._keys[0]}
        if self.host.suite.quadlet:
            path = f"/etc/containers/systemd/{self.name}.container"
            self.host.write(path, _QUADLET.format(**fields))
            self.host.systemctl("daemon-reload")
            return
        named = (f"--secret={self.name}--{key},type=env,target={key}" for key in self._keys)
        text = _UNIT.format(secrets=" ".join(named), order=self._order, **fields)
        self.host.write(f"/etc/systemd/system/{self.unit}", text)
        self.host.systemctl("daemon-reload")
        self.host.systemctl("enable", self.unit)

    def restart(self) -> None:
        """Start it, again if it runs, and wait until its program has shown its environment."""
        self.forget()
        self.host.systemctl("restart", self.unit)
        self.wait_shown()

    def wait_shown(self) -> None:
        """Wait until the program has shown its environment since ``forget``."""
        test = ["test", "-e", self._shown]
        self.host.wait(
            lambda: self.host.run(test, check=False).returncode == 0, f"{self.name}'s environment"
        )

    def forget(self) -> None:
        """Remove what it has shown, so that only another start shows anything."""
        self.host.run(["rm", "-f", self._shown])

    def environment(self) -> dict[str, str]:
        """Return the secrets among the variables that the program had at its start."""
        lines = self.host.read(self._shown).decode().splitlines()
        pairs = dict(line.partition("=")[::2] for line in lines)
        return {key: pairs[key] for key in self._keys if key in pairs}

    @property
    def _shown(self) -> str:
        return f"/srv/{self.name}/environment"
