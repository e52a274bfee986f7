"""psi.sock as psictl uses it."""

import pytest

from psi.shared.errors import Unreachable
from psictl.http_socket import HttpSocket
from psictl.layout import Layout
from tests.fakes.broker.host import Host

MAPPING = b'{"provider":"infisical","project":"main","path":"/","key":"K"}'


def test_a_mapping_is_stored(host: Host) -> None:
    with HttpSocket(host.layout) as http:
        assert http.store("a" * 25, MAPPING) == (200, "")
        assert http.store("b" * 25, MAPPING) == (200, "")
    assert host.frontend.stored == ["a" * 25, "b" * 25]


def test_a_refusal_has_its_reason(host: Host) -> None:
    host.frontend.refuse = {"K"}
    with HttpSocket(host.layout) as http:
        assert http.store("a" * 25, MAPPING) == (403, "outside every workload; psictl apply")


def test_a_reason_is_made_printable(host: Host) -> None:
    host.frontend.health = 503
    host.frontend.reason = "broker \x1b[2J gone"
    with HttpSocket(host.layout) as http:
        status, reason = http.health()
    assert status == 503
    assert reason.isprintable()


def test_health_is_200(host: Host) -> None:
    with HttpSocket(host.layout) as http:
        assert http.health() == (200, "")


def test_an_absent_socket_is_unreachable_and_names_the_remedy(host: Host) -> None:
    with (
        HttpSocket(Layout(host.root / "nothing")) as http,
        pytest.raises(Unreachable, match=r"psi\.sock: No such file or directory; start it with"),
    ):
        http.health()


def test_a_proxy_of_the_environment_is_ignored(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with HttpSocket(host.layout) as http:
        assert http.health() == (200, "")
