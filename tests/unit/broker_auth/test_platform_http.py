"""Requests to a cloud's own servers: direct, short, small, without redirects."""

import asyncio
import gzip
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from psi.broker.infisical.auth.platform_http import PLATFORM_BYTES, Ask, ask_platform
from psi.broker.infisical.outcome import Kind, UpstreamError
from tests.fakes.cloud.server import CloudServer, Incoming, Outgoing
from tests.unit.broker_infisical.setting import assert_fit


class Fixed:
    def __init__(self, answer: Outgoing) -> None:
        self._answer = answer

    def answer(self, request: Incoming) -> Outgoing:
        del request
        return self._answer


@pytest.fixture
def server() -> Iterator[CloudServer]:
    with CloudServer({}) as entered:
        yield entered


def ask(url: str) -> Ask:
    return Ask("the metadata server", "check it", "GET", url, {"X-Token": "canary-header"})


def body(server: CloudServer, answer: Outgoing) -> bytes:
    server.parts["x"] = Fixed(answer)
    return asyncio.run(ask_platform(ask(server.url("x/path")))).body


def failure(server: CloudServer, answer: Outgoing) -> str:
    with pytest.raises(UpstreamError) as caught:
        body(server, answer)
    assert_fit(caught.value)
    assert caught.value.kind is Kind.TRANSPORT
    assert "canary" not in str(caught.value)
    assert str(caught.value).startswith("the metadata server ")
    assert str(caught.value).endswith("; check it")
    return str(caught.value)


def test_an_answer_is_returned(server: CloudServer) -> None:
    assert body(server, Outgoing(200, b"token")) == b"token"
    assert body(server, Outgoing(200, b"x" * PLATFORM_BYTES)) == b"x" * PLATFORM_BYTES


@pytest.mark.parametrize("status", [201, 204, 400, 401, 403, 404, 429, 500])
def test_any_other_status_is_named_and_its_body_is_not(server: CloudServer, status: int) -> None:
    answer = Outgoing(status, b"" if status == 204 else b"canary-body")
    assert f"answers {status}" in failure(server, answer)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server: CloudServer, status: int) -> None:
    target = {"Location": server.url("elsewhere/stolen")}
    assert f"answers {status}" in failure(server, Outgoing(status, b"", target))
    assert [one.part for one in server.seen] == ["x"]


def test_a_large_answer_is_not_read(server: CloudServer) -> None:
    assert "too large" in failure(server, Outgoing(200, b"x" * (PLATFORM_BYTES + 1)))


def test_a_gzip_bomb_is_not_inflated(server: CloudServer) -> None:
    bomb = gzip.compress(b"\0" * (PLATFORM_BYTES * 50))
    assert "too large" in failure(server, Outgoing(200, bomb, {"Content-Encoding": "gzip"}))


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_no_proxy_of_the_environment_is_asked(
    server: CloudServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, server.url("proxy"))
    assert body(server, Outgoing(200, b"token")) == b"token"
    assert [one.path for one in server.seen] == ["/path"]


def _unanswered(sock: socket.socket) -> UpstreamError:
    url = f"http://127.0.0.1:{sock.getsockname()[1]}/"
    with pytest.raises(UpstreamError) as caught:
        asyncio.run(ask_platform(ask(url)))
    return caught.value


def test_a_closed_port_is_told() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        error = _unanswered(sock)
    assert "cannot be asked (ConnectError)" in str(error)


def test_a_server_that_drips_has_a_whole_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        thread = threading.Thread(target=_drip, args=(sock, ended))
        thread.start()
        begun = time.monotonic()
        error = _unanswered(sock)
        ended.set()
        thread.join()
    assert time.monotonic() - begun < 15
    assert "gives no whole answer within 5 s" in str(error)


def _drip(sock: socket.socket, ended: threading.Event) -> None:
    connection, _ = sock.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not ended.wait(0.1):
            try:
                connection.sendall(b"x")
            except OSError:
                return
