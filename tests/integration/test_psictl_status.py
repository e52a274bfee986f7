"""``psictl status``: one screen or one object, and an exit code that scripts can trust."""

import hashlib
from collections.abc import Iterator
from typing import Literal

import pytest

from psi.shared.messages import broker as b
from psi.shared.messages.base import Refused
from tests.fakes.broker.host import Host


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as entered:
        yield entered


def identity(state: Literal["idle", "valid", "refused"]) -> b.IdentityStatus:
    return b.IdentityStatus(
        scope="global", method="universal-auth", identity="client", state=state, expires_at=1.8e9
    )


def test_healthy_services_are_exit_0(host: Host) -> None:
    host.world.identities = [identity("valid"), identity("idle"), identity("idle")]
    host.world.status = {"api": "v3"}
    done = host.psictl("status")
    assert (done.code, done.err) == (0, "")
    assert "answers lookups" in done.out.decode()
    assert "https://infisical.example, last answer 2023-11-14 22:13:20 UTC" in done.out.decode()
    assert "4 requests, API v3" in done.out.decode()
    assert done.out.decode().count("universal-auth") == 3


def test_the_object_has_its_schema_and_the_broker_s_fields(host: Host) -> None:
    host.world.identities = [identity("valid")]
    shown = host.psictl("status", "--json").json()
    assert (shown["schema"], shown["exit"], shown["problems"]) == (1, 0, [])
    assert shown["frontend"] == {"reachable": True, "healthy": True}
    assert shown["broker"]["reachable"] is True
    assert shown["broker"]["generation"] == 3
    assert shown["broker"]["identities"][0]["state"] == "valid"
    assert not {"id", "type", "next"} & set(shown["broker"])


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"bad_mappings": 2}, "2 files in"),
        ({"upstream_error": "connection refused"}, "Infisical: connection refused"),
    ],
)
def test_what_the_broker_says_is_wrong_is_exit_3(
    host: Host, fields: dict[str, object], problem: str
) -> None:
    host.world.status = fields
    done = host.psictl("status")
    assert done.code == 3
    assert problem in done.err


def test_a_refused_credential_is_exit_3(host: Host) -> None:
    host.world.identities = [identity("refused")]
    done = host.psictl("status")
    assert done.code == 3
    assert "psictl infisical login --retry" in done.err


def test_lookups_that_are_not_answered_are_exit_3(host: Host) -> None:
    host.frontend.health = 503
    host.frontend.reason = "the broker does not answer"
    done = host.psictl("status", "--json")
    assert done.code == 3
    assert done.json()["frontend"] == {"reachable": True, "healthy": False}
    assert "the broker does not answer" in done.json()["problems"][0]


def test_an_absent_frontend_is_exit_4_and_the_broker_is_shown(host: Host) -> None:
    host.layout.http_socket.unlink()
    done = host.psictl("status", "--json")
    assert done.code == 4
    assert done.json()["frontend"]["reachable"] is False
    assert done.json()["broker"]["generation"] == 3


def test_an_absent_broker_is_exit_4_and_the_frontend_is_shown(host: Host) -> None:
    host.broker.path.unlink()
    done = host.psictl("status", "--json")
    assert done.code == 4
    assert done.json()["broker"] == {"reachable": False}
    assert done.json()["frontend"]["healthy"] is True


def test_a_broker_that_refuses_is_exit_3(host: Host) -> None:
    host.broker.answers[b.BrokerStatus] = lambda _: Refused(code="internal", detail="its log")
    done = host.psictl("status")
    assert done.code == 3
    assert "its log" in done.err


def test_an_edited_file_is_drift_and_an_applied_one_is_not(host: Host) -> None:
    text = b"providers: {}\n"
    host.layout.config.parent.mkdir(parents=True)
    host.layout.config.write_bytes(text)
    done = host.psictl("status", "--json")
    assert done.code == 3
    assert "psictl apply" in done.json()["problems"][0]
    host.world.status = {"config_sha256": hashlib.sha256(text).hexdigest()}
    assert host.psictl("status").code == 0
