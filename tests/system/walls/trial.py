"""The trial: a host in use, on which everybody tries all walls, from inside and from outside."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed
from tests.system.host import Host
from tests.system.installed import installed_host
from tests.system.probe.outcome import Attempt
from tests.system.probe.runs import ProbeRuns
from tests.system.stage import CONFIG, PROJECT, Stage
from tests.system.suite import Suite
from tests.system.walls import (
    crash,
    devices,
    files,
    kernel,
    managers,
    network,
    oneshots,
    programs,
    protocol,
    sockets,
    system,
    tree,
)
from tests.system.walls import places as p
from tests.system.walls.devices import BROKER_WITH_CREDENTIAL, SEALER_WITH_TPM
from tests.system.walls.wall import UNITS
from tests.system.walls.walled import Walled

USERS: Final = ("root", "nobody", "psi-frontend", "psi-broker", "psi-sealer", "psi-pki")
MODULES: Final[tuple[ModuleType, ...]] = (
    crash, devices, files, kernel, managers, network, oneshots, programs, protocol, sockets,
    system, tree,
)  # fmt: skip  # a list of names
"""Each has WALLS, and in TRIED what somebody tries besides."""
SECRET_LINE: Final = f"client_secret: {p.CLIENT_SECRET}"
CONFIGURED: Final = CONFIG.replace("client_secret: the-hosts-own-credential", SECRET_LINE)
"""The broker has its credential in the file, the sealer no device."""


def seed() -> Seed:
    """Return an Infisical with canaries for what is secret."""
    project = ProjectSeed(PROJECT, "myproject")
    project.secrets_at("prod", "/myapp", DB_PASSWORD=p.VALUE, DB_HOST=p.PUBLIC)
    return Seed([IdentitySeed("host", p.CLIENT_SECRET)], [project])


@contextmanager
def trial(suite: Suite) -> Iterator[Walled]:
    """Yield a host on which all has been tried, and all services run again."""
    with installed_host(suite) as host, Stage(host, CONFIGURED, seed()) as stage:
        stage.bring_up()
        host.run(["psictl", "seal", "BOOT"], input=p.SEALED)
        with prepared(host) as found:
            walled = Walled(host, stage, ProbeRuns(host), found)
            _try_inside(walled, "frontend", "sealer", "pki", "setup", "refresh")
            _try_inside(walled, "broker")
            _try_devices(walled)
            for user in USERS:
                who = f"uid {user}"
                walled.found[who] = walled.runs.outside(user, _attempts(walled, who))
            yield walled


@contextmanager
def prepared(host: Host) -> Iterator[Mapping[str, str]]:
    """Put on the host what somebody could reach, open or start; yield the names of it."""
    node = ["mknod", "--mode=660", p.TPM, "c", *map(str, p.TPM_NUMBERS)]
    host.run(node)
    host.run(["chown", "root:tss", p.TPM])
    host.run(["systemd-run", f"--unit={p.LISTENER_UNIT}", "--uid=psi-broker", *p.LISTENER])
    host.write(f"/run/systemd/system/{p.OTHER_UNIT}", p.OTHER_UNIT_TEXT)
    host.systemctl("daemon-reload")
    host.systemctl("start", "podman.socket")
    host.run(["mkdir", "-p", str(Path(p.CREDENTIAL).parent)])
    encrypt = ["systemd-creds", "encrypt", "--with-key=host", f"--name={p.CREDENTIAL_NAME}"]
    host.run([*encrypt, "-", p.CREDENTIAL], input=p.CLIENT_SECRET)
    found = {
        p.ALLOWED: host.address,
        p.OTHER: host.other_address,
        p.LISTENER_PID: host.property(p.LISTENER_UNIT, "MainPID"),
    }
    allowed, other = ((found[name], p.PORT) for name in (p.ALLOWED, p.OTHER))
    with socket.create_server(allowed), socket.create_server(other):
        yield found


def _attempts(walled: Walled, who: str) -> list[Attempt]:
    """Return all that somebody tries, for a wall, as its twin or for itself."""
    found: list[Attempt] = []
    for module in MODULES:
        found += [one.attempt for one in module.WALLS if who in {*one.walled, one.twin}]
        found += module.TRIED.get(who, [])
    return [walled.here(attempt) for attempt in found]


def _try_inside(walled: Walled, *names: str) -> None:
    plans = {UNITS[name]: _attempts(walled, name) for name in names}
    shipped = {name: walled.runs.settings(UNITS[name]) for name in names}
    with walled.runs.in_units(plans):
        outcomes = walled.runs.run(*plans)
        walled.probed |= {name: walled.runs.settings(UNITS[name]) for name in names}
    walled.shipped |= shipped
    walled.found |= {name: outcomes[UNITS[name]] for name in names}


def _try_devices(walled: Walled) -> None:
    """Try with what `psictl apply` gives: the TPM to the sealer, to the broker a credential."""
    host, stage = walled.host, walled.stage
    broker, sealer = UNITS["broker"], UNITS["sealer"]
    who = {broker: BROKER_WITH_CREDENTIAL, sealer: SEALER_WITH_TPM}
    plans = {unit: _attempts(walled, name) for unit, name in who.items()}
    with walled.runs.in_units(plans, {sealer: f"BindPaths={p.TUN}\n"}):
        text = stage.config.replace("backend: software", "backend: tpm")
        reference = f"client_secret_credential: {p.CREDENTIAL_NAME}"
        stage.configure(text.replace(SECRET_LINE, reference))
        host.psictl("apply")
        walled.device_list_with_credential = host.property(broker, "DeviceAllow")
        outcomes = walled.runs.run(broker, sealer)
        stage.configure(stage.config)
        host.psictl("apply")
    walled.found |= {who[unit]: outcomes[unit] for unit in who}
