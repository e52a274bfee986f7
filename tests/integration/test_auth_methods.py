"""``psictl infisical login`` below ``psictl dev`` with every method, each by its own platform."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from psictl.layout import Layout
from tests.fakes.broker.host import COMMAND_SECONDS, Ended
from tests.fakes.cloud.certificates import ClientAuthority
from tests.fakes.cloud.google import service_account_key
from tests.fakes.cloud.keys import issuer
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.tls import TlsFiles, make_tls_files
from tests.unit.broker_auth.scene import ID, PASSWORD, cloud, host_jwt, pod_jwt, seed
from tests.unit.broker_infisical.setting import PROJECT_ID

AUTHORITY = ClientAuthority("clients")
METHODS = {
    "global": "method: aws-iam, identity_id: {id}",
    "gcp": "method: gcp, identity_id: {id}",
    "gcp-key": "method: gcp, identity_id: {id}, service_account_key_file: {folder}/key.json",
    "azure": "method: azure, identity_id_file: {folder}/id",
    "kubernetes": "method: kubernetes, identity_id: {id}, jwt_file: {folder}/pod",
    "oidc": "method: oidc, identity_id: {id}, jwt_credential: host-jwt",
    "jwt": "method: jwt, identity_id: {id}, jwt_file: {folder}/host",
    "ldap": "method: ldap, identity_id: {id}, username: host-1, password_file: {folder}/password",
    "tls-cert": "method: tls-cert, identity_id: {id}, certificate_file: {folder}/cert, "
    "private_key_file: {folder}/key",
    "universal": "method: universal-auth, client_id: all-methods, client_secret: universal-secret",
}
NAMES = {"gcp-key": "gcp", "universal": "universal-auth", "global": "aws-iam"}


class Development:
    """Stand-in, cloud, and a development host with every method; everything ends with it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="psi-", dir="/tmp"))  # sockets: short paths
        self.layout = Layout(self.folder / "root")
        self.config = self.folder / "config.yaml"
        self.tls = self._tls_files()
        self.infisical = StandIn(seed(AUTHORITY.ca), tls=self.tls)
        self.cloud = cloud()
        self.dev: subprocess.Popen[bytes] | None = None

    def _tls_files(self) -> TlsFiles:
        files = make_tls_files(self.folder)
        clients = self.folder / "clients.pem"
        clients.write_text(AUTHORITY.ca)
        return TlsFiles(files.ca, files.certificate, files.key, clients)

    def __enter__(self) -> Self:
        self.infisical.start()
        self.cloud.__enter__()
        self._write_files()
        with (self.folder / "log").open("wb") as log:
            self.dev = subprocess.Popen(
                [sys.executable, "-m", "psictl", "dev", "--root", str(self.layout.root),
                 "--config", str(self.config)],
                stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip  # one command line
        assert self.dev.stdout is not None
        assert json.loads(self.dev.stdout.readline())["ready"] is True
        return self

    def __exit__(self, *_: object) -> None:
        assert self.dev is not None
        self.dev.send_signal(signal.SIGTERM)
        self.dev.communicate(timeout=COMMAND_SECONDS)
        self.cloud.__exit__(None, None, None)
        self.infisical.stop()
        shutil.rmtree(self.folder)

    def _write_files(self) -> None:
        pair = AUTHORITY.pair("host-1")
        files = {
            "key.json": service_account_key(issuer("robot")),
            "id": ID,
            "pod": pod_jwt(),
            "host": host_jwt(),
            "password": PASSWORD,
            "cert": pair.certificate,
            "key": pair.key,
        }
        for name, content in files.items():
            (self.folder / name).write_text(content + "\n")
        self.layout.credstore.mkdir(parents=True)
        (self.layout.credstore / "host-jwt").write_text(host_jwt())
        self.cloud.write_endpoints(self.layout.root)
        self._write_config()

    def _write_config(self) -> None:
        shown = {name: text.format(id=ID, folder=self.folder) for name, text in METHODS.items()}
        projects = "".join(
            f"      {name}: {{id: {PROJECT_ID}, environment: prod, auth: {{{text}}}}}\n"
            for name, text in shown.items()
            if name != "global"
        )
        self.config.write_text(
            f"providers:\n  infisical:\n    api_url: {self.infisical.url}\n"
            f"    ca_cert: {self.tls.ca}\n    auth: {{{shown['global']}}}\n"
            f"    projects:\n      plain: {{id: {PROJECT_ID}, environment: prod}}\n{projects}"
        )
        self.config.chmod(0o600)

    def psictl(self, *arguments: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "psictl", "--root", str(self.layout.root), *arguments],
            capture_output=True, timeout=COMMAND_SECONDS, check=False,
        )  # fmt: skip  # one call
        assert b"Traceback" not in done.stderr
        return Ended(done.returncode, done.stdout, done.stderr.decode())


@pytest.fixture(scope="module")
def host() -> Iterator[Development]:
    with Development() as entered:
        yield entered


def test_every_method_logs_in_and_is_listed(host: Development) -> None:
    done = host.psictl("infisical", "login", "--json")
    results = {one["scope"].removeprefix("project:"): one for one in done.json()["results"]}
    assert [one for one in results.values() if not one["ok"]] == []
    assert done.code == 0
    assert {name: one["method"] for name, one in results.items()} == {
        name: NAMES.get(name, name) for name in METHODS
    }
    assert {one["identity"] for one in results.values()} == {ID, "all-methods"}
    assert all(one["expires_at"] > 0 for one in results.values())


def test_the_table_has_method_identity_expiry_and_result(host: Development) -> None:
    done = host.psictl("infisical", "login")
    assert done.code == 0
    text = done.out.decode()
    for name, method in {name: NAMES.get(name, name) for name in METHODS}.items():
        scope = name if name == "global" else f"project:{name}"
        assert f"OK {scope}" in text
        assert method in text
    assert ID in text
    assert "UTC" in text


@pytest.mark.parametrize("project", ["plain", *[name for name in METHODS if name != "global"]])
def test_every_method_reads(host: Development, project: str) -> None:
    done = host.psictl("infisical", "env", "--project", project, "--path", "/app")
    assert (done.code, done.out) == (0, b"export KEY=value\n")


def test_one_that_fails_is_listed_and_the_exit_code_is_1(host: Development) -> None:
    path = host.folder / "pod"
    right = path.read_text()
    path.write_text(issuer("stranger").sign(sub="nobody"))
    done = host.psictl("infisical", "login")
    assert done.code == 1
    assert "FAIL project:kubernetes" in done.out.decode()
    assert "OK project:oidc" in done.out.decode()
    assert "invalid signature" in " ".join(done.out.decode().split())
    path.write_text(right)
    assert host.psictl("infisical", "login").code == 0


def test_a_metadata_server_that_is_away_is_named(host: Development) -> None:
    part = host.cloud.parts.pop("azure_instance")
    done = host.psictl("infisical", "login", "--json")
    host.cloud.parts["azure_instance"] = part
    assert done.code == 1
    (failed,) = [one for one in done.json()["results"] if not one["ok"]]
    assert failed["method"] == "azure"
    assert "the Azure metadata server answers 404" in failed["detail"]


def test_nothing_secret_is_in_the_log(host: Development) -> None:
    log = (host.folder / "log").read_text()
    assert "ready" in log
    for secret in (PASSWORD, "universal-secret", "eyJ", "PRIVATE KEY"):
        assert secret not in log
