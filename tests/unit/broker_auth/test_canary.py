"""A real broker at log level debug: no method's secret reaches its log, files or answers."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from psi.shared.client import Pool
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages import broker as b
from psi.shared.processes import Process
from psi.shared.projection import Auth, BrokerProjection, Infisical, Project, SecretSource
from tests.fakes.cloud.aws import AwsKeys
from tests.fakes.cloud.certificates import ClientAuthority
from tests.fakes.cloud.google import service_account_key
from tests.fakes.cloud.keys import issuer
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.tls import make_tls_files
from tests.fakes.launcher import ServiceProcess, listening
from tests.unit.broker_auth.scene import (
    PASSWORD,
    aws,
    azure,
    cloud,
    gcp,
    given,
    host_jwt,
    kubernetes,
    ldap,
    oidc,
    pod_jwt,
    seed,
    signed,
    tls_cert,
)
from tests.unit.broker_infisical.setting import PROJECT_ID

AUTHORITY = ClientAuthority("clients")
PAIR = AUTHORITY.pair("host-1")
WRONG = "canary-wrong-password"
STRANGE = issuer("stranger").sign(sub="canary")


class LoudBroker(ServiceProcess):
    """A broker that says all it can."""

    def environment(self, notify: Path) -> dict[str, str]:
        return super().environment(notify) | {"PSI_LOG_LEVEL": "debug"}


@pytest.fixture
def root() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="psi-", dir="/tmp"))  # sockets: short paths
    yield folder
    shutil.rmtree(folder)


def _auths(root: Path) -> dict[str, Auth]:
    (root / "jwt").write_text(JWT)
    return {
        "aws": aws(),
        "gcp": gcp(),
        "gcp-key": gcp(service_account_key=given(service_account_key(issuer("robot")))),
        "azure": azure(),
        "kubernetes": kubernetes(given(POD)),
        "oidc": oidc(SecretSource(file=str(root / "jwt"))),
        "jwt": signed(given(STRANGE)),
        "ldap": ldap(password=SecretSource(credential="password")),
        "ldap-wrong": ldap(username="other", password=given(WRONG)),
        "tls": tls_cert(PAIR),
    }


JWT, POD = host_jwt(), pod_jwt()
REFUSED = {"jwt", "ldap-wrong"}
SECRETS = [
    PASSWORD, WRONG, STRANGE, JWT, POD, PAIR.key.splitlines()[1],
    AwsKeys().secret_key, AwsKeys().session_token, "google-access-token-of-these-tests",
    issuer("robot").private.splitlines()[1], "eyJ", "AWS4-HMAC-SHA256",
]  # fmt: skip  # a list of words


def _ask(root: Path) -> list[b.LoginResult]:
    async def ask() -> list[b.LoginResult]:
        path = str(root / "run/psi-ctl/broker.sock")
        pool = Pool(path, Process.CTL, Process.BROKER, 1, Limits(), Log(Process.CTL))
        try:
            reply = await pool.call(b.TestLogin(), 60)
        finally:
            pool.close()
        assert isinstance(reply, b.TestLoginReply)
        return reply.results

    return asyncio.run(ask())


def test_no_secret_of_any_method_is_told(root: Path) -> None:
    files = make_tls_files(root)
    (root / "clients.pem").write_text(AUTHORITY.ca)
    files = type(files)(files.ca, files.certificate, files.key, root / "clients.pem")
    with ExitStack() as stack:
        stand_in = stack.enter_context(StandIn(seed(AUTHORITY.ca), tls=files))
        stack.enter_context(cloud()).write_endpoints(root)
        broker = stack.enter_context(_broker(stack, root, stand_in, files.ca.read_text()))
        results = _ask(root)
        assert {one.scope.removeprefix("project:") for one in results if not one.ok} == REFUSED
        assert len(results) == len(_auths(root))
        assert broker.stop() == 0
    shown = json.dumps([(one.identity, one.detail) for one in results])
    kept = "".join(file.read_text() for file in (root / "state").iterdir() if file.is_file())
    for secret in SECRETS:
        assert secret not in broker.text(), "in the log"
        assert secret not in shown, "in an answer"
        assert secret not in kept, "in the state folder"


def _broker(stack: ExitStack, root: Path, stand_in: StandIn, ca: str) -> LoudBroker:
    (root / "state").mkdir()
    projects = {
        name: Project(id=PROJECT_ID, environment="prod", auth=auth)
        for name, auth in _auths(root).items()
    }
    projection = BrokerProjection(
        generation=1,
        config_sha256="0" * 64,
        state_dir=str(root / "state"),
        infisical=Infisical(api_url=stand_in.url, ca_cert=ca, projects=projects),
    )
    sockets = {
        "frontend": listening(root / "run/psi-ipc/broker-frontend/sock"),
        "pki": listening(root / "run/psi-ipc/broker-pki/sock"),
        "ctl": listening(root / "run/psi-ctl/broker.sock"),
    }
    for listener in sockets.values():
        stack.enter_context(listener)
    broker = LoudBroker("broker", root, sockets, projection=projection)
    (broker.credentials / "password").write_text(PASSWORD + "\n")
    return broker
