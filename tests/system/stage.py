"""A host in use: an Infisical of its own, a configuration, and PSI running with it."""

import tempfile
from pathlib import Path
from typing import Final, Self

from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed
from tests.fakes.infisical.tls import make_tls_files
from tests.system.host import Host

PROJECT: Final = "3f2b8c1e-5a47-4f0e-9b6d-0c9a7e4d2b10"
PASSWORD: Final = "correct-horse-battery-staple"
VALUES: Final = {"DB_HOST": "db.example.com", "DB_PASSWORD": PASSWORD, "GREETING": 'it\'s "$(id)"'}
CONFIG_PATH: Final = "/etc/psi/config.yaml"
CA_PATH: Final = "/etc/psi/infisical-ca.pem"
CONFIG: Final = """\
providers:
  infisical:
    api_url: {url}
    ca_cert: {ca}
    auth: {{method: universal-auth, client_id: host, client_secret: the-hosts-own-credential}}
    projects:
      myproject: {{id: {project}, environment: prod}}
cache: {{backend: software}}
workloads:
  myapp:
    secrets: [{{project: myproject, path: /myapp}}]
    depends_on: [psi-infisical-setup.service]
"""


def seed() -> Seed:
    """Return an Infisical that has VALUES in the one folder of the one workload."""
    project = ProjectSeed(PROJECT, "myproject")
    project.secrets_at("prod", "/myapp", **VALUES)
    return Seed([IdentitySeed("host", "the-hosts-own-credential")], [project])


class Stage:
    """A host and its Infisical over TLS; a context manager that ends the latter."""

    def __init__(self, host: Host, config: str = CONFIG, seeded: Seed | None = None) -> None:
        self.host = host
        self._config = config
        self._folder = tempfile.TemporaryDirectory(prefix="psi-stage-")
        self._tls = make_tls_files(Path(self._folder.name), host.address)
        self.infisical: StandIn = host.stand_in(seeded or seed(), self._tls)

    def __enter__(self) -> Self:
        self.infisical.start()
        self.host.write(CA_PATH, self._tls.ca.read_bytes())
        self.configure(self.config)
        return self

    def __exit__(self, *exc: object) -> None:
        if self.infisical.running:
            self.infisical.stop()
        self._folder.cleanup()

    @property
    def config(self) -> str:
        """The configuration with this stage's addresses."""
        return self._config.format(url=self.infisical.url, ca=CA_PATH, project=PROJECT)

    def configure(self, text: str) -> None:
        """Write the configuration file, as an editor does."""
        self.host.write(CONFIG_PATH, text, 0o600)

    def bring_up(self) -> Self:
        """Do all that a user does once, up to ``psictl setup``."""
        self.host.psictl("apply")
        self.host.systemctl("enable", "--now", "psi.target")
        self.host.psictl("cache", "init", "--no-recovery")
        self.host.psictl("setup")
        return self
