"""The stand-in as a process: start, stop, crash, restart, TLS."""

import os
import ssl
from pathlib import Path

import httpx
import pytest

from tests.fakes.infisical.process import StandIn, StandInError
from tests.fakes.infisical.seed import EXAMPLE, EXAMPLE_CLIENT_ID, EXAMPLE_CLIENT_SECRET
from tests.fakes.infisical.tls import make_tls_files
from tests.unit.fakes_infisical.api import LOGIN, Api, simple_seed
from tests.unit.fakes_infisical.raw import RawClient


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _status(stand_in: StandIn, trusted: ssl.SSLContext | None = None) -> httpx.Response:
    verify = trusted or ssl.create_default_context()
    return httpx.get(f"{stand_in.url}/api/status", verify=verify, trust_env=False)


def test_it_ends_with_its_context() -> None:
    with StandIn() as stand_in:
        pid = stand_in.pid
        assert _is_alive(pid)
    assert not _is_alive(pid)


def test_it_stops_while_clients_hang() -> None:
    with StandIn() as stand_in, RawClient(stand_in.url) as client:
        stand_in.fault("hold")
        client.get()
        stand_in.wait_held(1)
        stand_in.stop()
        assert client.rest() == b""


def test_a_restart_keeps_the_port_and_the_tokens() -> None:
    with StandIn(simple_seed()) as stand_in, Api(stand_in) as api:
        before = stand_in.url
        stand_in.restart()
        assert (stand_in.url, api.get().status_code) == (before, 200)


def test_a_crash_refuses_connections_until_it_is_started_again() -> None:
    with StandIn(simple_seed()) as stand_in:
        stand_in.kill()
        with pytest.raises(ConnectionRefusedError):
            RawClient(stand_in.url)
        stand_in.start()
        assert _status(stand_in).status_code == 200


def test_a_bad_seed_is_told() -> None:
    stand_in = StandIn({"identities": [{"client_id": "x"}]})
    with pytest.raises(StandInError, match="its stderr says why"):
        stand_in.start()


def test_tls_with_its_own_authority(tmp_path: Path) -> None:
    files = make_tls_files(tmp_path)
    trusted = ssl.create_default_context(cafile=str(files.ca))
    with StandIn(tls=files) as stand_in:
        assert stand_in.url.startswith("https://127.0.0.1:")
        assert _status(stand_in, trusted).status_code == 200
        assert stand_in.count("status") == 1
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            _status(stand_in)


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    files = make_tls_files(tmp_path, expired=True)
    trusted = ssl.create_default_context(cafile=str(files.ca))
    with StandIn(tls=files) as stand_in, pytest.raises(httpx.ConnectError, match="expired"):
        _status(stand_in, trusted)


def test_the_example_seed_can_be_read() -> None:
    with StandIn(EXAMPLE) as stand_in, httpx.Client(base_url=stand_in.url, trust_env=False) as http:
        body = {"clientId": EXAMPLE_CLIENT_ID, "clientSecret": EXAMPLE_CLIENT_SECRET}
        token = http.post(LOGIN, json=body).json()["accessToken"]
        project = EXAMPLE.projects[0].id
        where = {"projectId": project, "environment": "prod", "secretPath": "/myapp"}
        headers = {"authorization": f"Bearer {token}"}
        listed = http.get("/api/v4/secrets", params=where, headers=headers).json()
    keys = {one["secretKey"] for one in listed["secrets"]}
    assert {"DB_HOST", "DB_PASSWORD", "API_TOKEN"} <= keys
