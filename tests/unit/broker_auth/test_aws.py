"""AWS: where credentials and region come from, in which order, and what is not believed."""

import logging
import subprocess
import sys

import pytest

from psi.broker.infisical.auth.aws_credentials import AwsPlatform
from psi.broker.infisical.auth.aws_signature import AwsCredentials, sign_caller_identity
from psi.broker.infisical.auth.surroundings import Endpoints, Surroundings
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.shared.secret import SecretBytes
from tests.fakes.cloud.aws import ContainerAgent, Ec2
from tests.fakes.cloud.server import Outgoing
from tests.unit.broker_auth.scene import KEYS, Scene, aws
from tests.unit.broker_infisical.setting import run

ROLES = "/latest/meta-data/iam/security-credentials/"
TOKEN = ("PUT", "/latest/api/token")
FIXED = {"AWS_ACCESS_KEY_ID": "AKIAFIXED", "AWS_SECRET_ACCESS_KEY": "fixed"}


def platform(scene: Scene, **environment: str) -> AwsPlatform:
    endpoints = Endpoints(
        aws_instance=scene.cloud.url("aws_instance"),
        aws_container=scene.cloud.url("aws_container"),
    )
    return AwsPlatform(Surroundings(endpoints, environment, None))


def credentials(scene: Scene, **environment: str) -> AwsCredentials:
    return run(platform(scene, **environment).credentials())


def refused(scene: Scene, **environment: str) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        credentials(scene, **environment)
    return caught.value


def test_the_token_dance_comes_first_and_the_token_goes_with_every_request(scene: Scene) -> None:
    assert scene.value(aws()) == b"value"
    document = ("GET", "/latest/dynamic/instance-identity/document")
    roles = [("GET", ROLES), ("GET", ROLES + "web-role")]
    assert scene.cloud.paths("aws_instance") == [TOKEN, document, TOKEN, *roles]
    for request in scene.cloud.seen:
        wanted = "x-aws-ec2-metadata-token"
        assert (wanted in request.headers) == (request.method == "GET")


def test_a_configured_region_is_not_asked_for(scene: Scene) -> None:
    assert scene.value(aws(region="us-gov-west-1")) == b"value"
    assert ("GET", "/latest/dynamic/instance-identity/document") not in scene.cloud.paths(
        "aws_instance"
    )


def test_credentials_of_the_environment_come_first(scene: Scene) -> None:
    relative = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/0123"}
    found = credentials(scene, **FIXED, **relative)
    assert (found.access_key, found.secret_key) == ("AKIAFIXED", SecretBytes(b"fixed"))
    assert found.session_token is None
    assert scene.cloud.seen == []


def test_half_of_the_environments_credentials_are_none(scene: Scene) -> None:
    assert credentials(scene, AWS_ACCESS_KEY_ID="AKIAFIXED").access_key == KEYS.access_key


def test_the_containers_agent_comes_before_the_instance(scene: Scene) -> None:
    relative = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/0123"}
    found = credentials(scene, **relative)
    assert found.session_token == SecretBytes(KEYS.session_token.encode())
    assert scene.cloud.paths("aws_container") == [("GET", "/v2/credentials/0123")]
    assert scene.cloud.paths("aws_instance") == []


def test_a_full_address_of_this_machine_is_asked_with_its_token(scene: Scene) -> None:
    scene.cloud.parts["aws_container"] = ContainerAgent(KEYS, authorization="agent-token")
    address = scene.cloud.url("aws_container/v2/credentials/0123")
    full = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": address}
    found = credentials(scene, **full, AWS_CONTAINER_AUTHORIZATION_TOKEN="agent-token")
    assert found.access_key == KEYS.access_key
    assert "answers 401" in str(refused(scene, **full))


def test_the_agents_token_file_is_read_anew(scene: Scene) -> None:
    scene.cloud.parts["aws_container"] = ContainerAgent(KEYS, authorization="second")
    path = scene.root / "agent-token"
    made = platform(
        scene,
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI="/v2/credentials/0123",
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(path),
    )
    path.write_text("first\n")
    with pytest.raises(UpstreamError, match="answers 401"):
        run(made.credentials())
    path.write_text("second\n")
    assert run(made.credentials()).access_key == KEYS.access_key


@pytest.mark.parametrize(
    "address",
    ["http://192.0.2.1/x", "http://evil.example/x", "http://localhost.evil/x", "ftp://127.0.0.1/x",
     "https:///x", "http://[::/x", "//127.0.0.1/x", "http://127.0.0.1@192.0.2.1/"],
)  # fmt: skip  # a table
def test_an_address_that_no_agent_has_is_asked_nothing(scene: Scene, address: str) -> None:
    error = refused(scene, AWS_CONTAINER_CREDENTIALS_FULL_URI=address)
    assert error.kind is Kind.REFUSED
    assert "use https, or this machine's address" in str(error)


@pytest.mark.parametrize(
    "address",
    ["http://169.254.170.2/x", "http://169.254.170.23/x", "http://[fd00:ec2::23]/x",
     "http://127.0.0.1:51679/x", "http://[::1]/x", "https://agent.example/x"],
)  # fmt: skip  # a table
def test_an_agents_own_address_passes(scene: Scene, address: str) -> None:
    platform(scene, AWS_CONTAINER_CREDENTIALS_FULL_URI=address).check()


def test_a_bad_environment_is_told_before_any_login_and_latches_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.example/")
    assert scene.failure(aws()).code == "refused"
    assert scene.stand_in.requests() == []
    assert scene.setting.refusal_files() == []


def test_a_relative_address_without_a_slash_reaches_no_other_host(scene: Scene) -> None:
    error = refused(scene, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI="@evil.example/x")
    assert "is no path" in str(error)


def test_a_token_with_a_line_end_is_no_header(scene: Scene) -> None:
    variables = {
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/0123",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nX-Evil: 1",
    }
    assert "is no line of text" in str(refused(scene, **variables))


def test_an_instance_without_a_role_says_so(scene: Scene) -> None:
    scene.cloud.parts["aws_instance"] = Ec2(KEYS, role=None)
    error = scene.failure(aws(region="eu-central-1"))
    assert error.kind is Kind.TRANSPORT
    assert "answers 404; attach a role to the instance" in str(error)
    assert scene.logins() == 0
    scene.cloud.parts["aws_instance"] = Ec2(KEYS)
    assert scene.value(aws(region="eu-central-1")) == b"value"


def test_a_role_that_would_lead_elsewhere_is_not_asked_for(scene: Scene) -> None:
    scene.cloud.parts["aws_instance"] = Ec2(KEYS, role="../../../user-data")
    assert "names no role" in str(scene.failure(aws()))


@pytest.mark.parametrize("region", ["eu-central-1.evil.example/", "EU", "", "a" * 21])
def test_a_region_that_is_none_signs_nothing(scene: Scene, region: str) -> None:
    scene.cloud.parts["aws_instance"] = Ec2(KEYS, region=region)
    assert "is none; set auth.region" in str(scene.failure(aws()))
    assert scene.logins() == 0


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_environments_region_comes_before_the_instances(scene: Scene, name: str) -> None:
    assert run(platform(scene, **{name: "ap-south-2"}).region()) == "ap-south-2"
    assert run(platform(scene).region()) == "eu-central-1"


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b"<html>", b'{"AccessKeyId": "", "SecretAccessKey": "x"}',
     b'{"AccessKeyId": "a b", "SecretAccessKey": "x"}'],
)  # fmt: skip  # a table
def test_what_is_no_credential_is_told(scene: Scene, body: bytes) -> None:
    scene.cloud.overrides["aws_container"] = Outgoing(200, body)
    error = refused(scene, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI="/x")
    assert error.kind is Kind.TRANSPORT
    assert "gives" in str(error)
    assert "credentials" in str(error)


@pytest.mark.parametrize("token", [b"", b"a\nb", b"\xff", b"a" * 4097])
def test_what_is_no_metadata_token_is_not_sent_on(scene: Scene, token: bytes) -> None:
    scene.cloud.overrides["aws_instance"] = Outgoing(200, token)
    assert "gives no token" in str(scene.failure(aws()))


def test_without_botocore_the_method_says_what_to_install(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "botocore", None)
    error = scene.failure(aws())
    assert error.code == "unserved"
    assert "install psi-suite[aws]" in str(error)
    assert scene.cloud.seen == []
    assert scene.stand_in.requests() == []


def test_signing_loads_the_signer_and_no_session() -> None:
    """The rest of botocore reads ``~/.aws`` and runs what a ``credential_process`` says."""
    script = (
        "import sys\n"
        "from psi.broker.infisical.auth.aws_signature import *\n"
        "from psi.shared.secret import SecretBytes\n"
        "before = 'botocore' in sys.modules\n"
        "sign_caller_identity(AwsCredentials('A', SecretBytes(b's')), 'eu-central-1')\n"
        "bad = {'botocore.session', 'botocore.credentials', 'boto3', 'subprocess', 'ctypes'}\n"
        "print(before, 'botocore.auth' in sys.modules, sorted(bad & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False True []\n"


def test_no_file_of_a_home_is_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    home = scene.root / "home"
    (home / ".aws").mkdir(parents=True)
    trap = home / "ran"
    for name in ("config", "credentials"):
        text = f"[default]\nregion = xx-evil-1\ncredential_process = touch {trap}\n"
        (home / ".aws" / name).write_text(text)
    monkeypatch.setenv("HOME", str(home))
    assert scene.value(aws()) == b"value"
    assert not trap.exists()


def test_nothing_secret_is_logged_while_signing(caplog: pytest.LogCaptureFixture) -> None:
    """The signer logs the session token at DEBUG; the broker's logging keeps it at WARNING."""
    caplog.set_level(logging.WARNING)
    keys = AwsCredentials("A", SecretBytes(b"canary-secret"), SecretBytes(b"canary-token"))
    form = sign_caller_identity(keys, "eu-central-1")
    assert "canary" not in caplog.text
    assert "canary" not in repr(keys)
    assert set(form) == {"iamHttpRequestMethod", "iamRequestBody", "iamRequestHeaders"}
