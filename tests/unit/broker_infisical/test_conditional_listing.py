"""A listing that has not changed is not sent again: ETag and If-None-Match (Infisical, 0.3)."""

import pytest

from psi.broker.infisical.client import InfisicalClient
from psi.broker.infisical.listing import Etag, Listing
from psi.broker.infisical.outcome import Kind
from psi.broker.infisical.reader import Reader
from psi.broker.infisical.retry import Patience
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.scripted_server import answer, login, scripted
from tests.unit.broker_infisical.setting import (
    LIST,
    PROJECT_ID,
    Setting,
    config,
    failure_of,
    run,
)

BODY = b'{"secrets": [{"secretKey": "KEY", "secretValue": "value"}], "imports": []}'


def reader_of(setting: Setting, client: InfisicalClient) -> Reader:
    return client.reader(Patience.of_refresh(setting.limits))


async def ask(reader: Reader, etag: Etag | None, *, recursive: bool = False) -> Listing | None:
    return await reader.list_if_changed("myproject", "/app", recursive=recursive, etag=etag)


def test_what_has_not_changed_is_a_304(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            reader = reader_of(setting, client)
            first = await ask(reader, None)
            assert first is not None
            assert first.etag is not None
            assert first.etag.api == "v4"
            assert await ask(reader, first.etag) is None
            assert client.health.error == "", "a 304 is a good answer"

    run(scenario())
    assert [one["status"] for one in stand_in.requests(LIST)] == [200, 304]


def test_what_has_changed_is_sent(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            reader = reader_of(setting, client)
            first = await ask(reader, None)
            assert first is not None
            stand_in.set_secret(PROJECT_ID, "prod", "/app", "KEY", "other")
            second = await ask(reader, first.etag)
            stand_in.set_secret(PROJECT_ID, "prod", "/app", "KEY", "value")
            assert second is not None
            assert [entry.value and entry.value.reveal() for entry in second.entries] == [b"other"]

    run(scenario())


def test_the_tag_of_one_generation_is_not_shown_to_the_other(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            reader = reader_of(setting, client)
            first = await ask(reader, None)
            assert first is not None
            assert first.etag is not None
            other = Etag("v3", first.etag.text)
            assert await ask(reader, other) is not None

    run(scenario())


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ('ETag: "abc+/="', '"abc+/="'),
        ('ETag: W/"abc"', 'W/"abc"'),
        ("ETag: abc", None),
        ('ETag: "a", "b"', None),
        ('ETag: ""', None),
        (f'ETag: "{"x" * 200}"', None),
        ("X: y", None),
    ],
)
def test_a_tag_is_kept_exactly_as_it_came_or_not_at_all(
    setting: Setting, header: str, kept: str | None
) -> None:
    async def scenario() -> None:
        async with (
            scripted(login(), answer(BODY, header)) as server,
            setting.client(config(server.url)) as client,
        ):
            reader = reader_of(setting, client)
            first = await ask(reader, None)
            assert first is not None
            await ask(reader, first.etag)
            sent = [line for line in server.heads[2].splitlines() if "if-none" in line.lower()]
            wanted = [] if kept is None else [kept]
            assert [line.partition(": ")[2] for line in sent] == wanted

    run(scenario())


def test_a_304_that_nobody_asked_for_is_foreign(setting: Setting) -> None:
    async def scenario() -> None:
        async with (
            scripted(login(), answer(b"", status="304 Not Modified")) as server,
            setting.client(config(server.url)) as client,
        ):
            error = await failure_of(ask(reader_of(setting, client), None))
            assert error.kind is Kind.FOREIGN

    run(scenario())


def test_a_tree_with_imports_is_put_together_and_has_no_tag(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            reader = reader_of(setting, client)
            plain = await ask(reader, None, recursive=True)
            assert plain is not None
            assert plain.etag is not None

    run(scenario())
