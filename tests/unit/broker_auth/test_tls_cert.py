"""Client certificates: shown to the TLS end at login, over a connection of their own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from psi.broker.infisical.outcome import Kind
from psi.shared.projection import SecretSource
from tests.fakes.cloud.certificates import ClientAuthority, client_pair
from tests.fakes.cloud.server import CloudServer
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.tls import make_tls_files
from tests.unit.broker_auth.scene import Scene, given, seed, tls_cert
from tests.unit.broker_infisical.setting import Setting

AUTHORITY, STRANGERS = ClientAuthority("clients"), ClientAuthority("strangers")
LOGIN = "/api/v1/auth/tls-cert-auth/login"
HOST = AUTHORITY.pair("host-1")


@pytest.fixture(scope="module", params=["asks", "does not ask"])
def server(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[StandIn, str]]:
    folder = tmp_path_factory.mktemp("tls")
    (folder / "clients.pem").write_text(AUTHORITY.ca + STRANGERS.ca)
    files = make_tls_files(folder)
    if request.param == "asks":
        files = replace(files, client_ca=folder / "clients.pem")
    with StandIn(seed(AUTHORITY.ca), tls=files) as running:
        yield running, files.ca.read_text()


@pytest.fixture
def scene(
    server: tuple[StandIn, str], around: CloudServer, tmp_path: Path, request: pytest.FixtureRequest
) -> Scene:
    running, ca = server
    running.clear_requests()
    running.clear_faults()
    return Scene(running, around, Setting(tmp_path), tmp_path, {}, {"ca_cert": ca})


asks = pytest.mark.parametrize("server", ["asks"], indirect=True)


@asks
def test_a_certificate_logs_in(scene: Scene) -> None:
    assert scene.value(tls_cert(HOST)) == b"value"
    assert scene.logins() == 1


@asks
def test_a_certificate_with_its_chain_logs_in(scene: Scene) -> None:
    chain = given(HOST.certificate + AUTHORITY.ca)
    assert scene.value(tls_cert(HOST, certificate=chain)) == b"value"


@asks
def test_certificate_and_key_are_credentials(scene: Scene) -> None:
    scene.credentials |= {"c": HOST.certificate.encode(), "k": HOST.key.encode()}
    sources = {"certificate": SecretSource(credential="c"), "private_key": SecretSource(credential="k")}  # fmt: skip  # noqa: E501  # one pair
    assert scene.value(tls_cert(HOST, **sources)) == b"value"


@asks
def test_the_login_is_told_of(scene: Scene) -> None:
    outcome = scene.outcome(tls_cert(HOST))
    assert (outcome.ok, outcome.method, outcome.detail) == (True, "tls-cert", "")


@pytest.mark.parametrize("server", ["does not ask"], indirect=True)
def test_a_tls_end_that_asks_for_no_certificate_is_told(scene: Scene) -> None:
    error = scene.failure(tls_cert(HOST))
    assert error.kind is Kind.REFUSED
    assert "Missing TLS certificate in header" in str(error)


@asks
def test_another_common_name_is_refused_until_the_certificate_changes(scene: Scene) -> None:
    other = AUTHORITY.pair("host-2")
    for _ in range(2):
        error = scene.failure(tls_cert(other))
        assert "common name not allowed" in str(error)
        assert "until the credential changes" in str(error)
    assert scene.stand_in.count(LOGIN) == 1
    assert scene.value(tls_cert(HOST)) == b"value"


@asks
def test_another_authoritys_certificate_is_refused(scene: Scene) -> None:
    error = scene.failure(tls_cert(STRANGERS.pair("host-1")))
    assert "not signed by the trusted CA" in str(error)


@asks
def test_a_certificate_that_the_tls_end_refuses_is_a_tls_fault(scene: Scene) -> None:
    error = scene.failure(tls_cert(client_pair("host-1")))
    assert error.kind is Kind.TRANSPORT
    assert scene.setting.refusal_files() == []
    assert scene.value(tls_cert(HOST)) == b"value"


@asks
@pytest.mark.parametrize("spoiled", ["certificate", "private_key"])
def test_what_is_no_pair_is_told_and_nothing_is_sent(scene: Scene, spoiled: str) -> None:
    other = client_pair("other")
    wrong = {"certificate": given(other.certificate), "private_key": given(other.key)}[spoiled]
    error = scene.failure(tls_cert(HOST, **{spoiled: wrong}))
    assert error.code == "refused"
    assert "are no pair" in str(error)
    assert scene.stand_in.requests() == []
    assert scene.setting.refusal_files() == []


@asks
@pytest.mark.parametrize("text", ["", "no PEM", "-----BEGIN PRIVATE KEY-----\nx\n"])
def test_a_key_that_is_none_is_told(scene: Scene, text: str) -> None:
    error = scene.failure(tls_cert(HOST, private_key=given(text)))
    assert "are no pair" in str(error)


@asks
def test_a_key_with_a_password_is_told_and_no_terminal_is_asked(scene: Scene) -> None:
    locked = AUTHORITY.pair("host-1", b"password")
    assert "are no pair" in str(scene.failure(tls_cert(locked)))


@asks
def test_the_server_is_verified_at_this_login_too(scene: Scene) -> None:
    scene.provider_fields = {}
    error = scene.failure(tls_cert(HOST))
    assert "not trusted; set ca_cert" in str(error)
    assert scene.stand_in.requests() == []


@asks
def test_an_unverified_server_gets_the_certificate_where_that_is_configured(scene: Scene) -> None:
    scene.provider_fields = {"verify_ssl": False}
    assert scene.value(tls_cert(HOST)) == b"value"
