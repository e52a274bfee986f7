"""What the frontend may ask, and the audit line that each leaves."""

import asyncio
import io
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from psi.broker.cache import MemoryCache
from psi.broker.infisical.clock import SystemClock
from psi.broker.infisical.outcome import Kind
from psi.broker.lookup_handler import LookupHandler
from psi.broker.mapping_store import MappingStore
from psi.broker.policy import Policy
from psi.broker.values import Values
from psi.shared.audit import Audit
from psi.shared.errors import Refusal
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Done, Refused, Reply, Request
from psi.shared.messages.broker import (
    BrokerError,
    DeleteMapping,
    Lookup,
    LookupReply,
    Ping,
    Pong,
    StoreMapping,
)
from psi.shared.peer import Peer
from psi.shared.processes import Process
from tests.unit.broker.chain import mapping, projection
from tests.unit.broker.no_sealed import no_sealed_secrets
from tests.unit.broker.upstream import FakeUpstream, failure
from tests.unit.broker.waiting import run

ID = "0" * 25
CALLER = {"claimed_uid": 1000, "claimed_pid": 42}


class Scene:
    """A handler over a fake Infisical and a real store."""

    def __init__(self, folder: Path, *, full: bool = False) -> None:
        given = projection("http://x", folder)
        self.upstream = FakeUpstream({"/myapp": {"A": b"the value"}})
        self.lines = io.StringIO()
        self.now = 0.0
        self.audit = Audit(
            full=full, interval_seconds=3600, stream=self.lines, clock=lambda: self.now
        )
        policy = Policy(given)
        projects, limits = given.infisical.projects, Limits()
        sealed = no_sealed_secrets()
        self.values = Values(
            projects, policy, MemoryCache(SystemClock()), self.upstream, sealed, limits
        )
        self.store = MappingStore(folder, 10, Log(Process.BROKER))
        self.store.load()
        self.handler = LookupHandler(self.store, policy, self.values, sealed, self.audit)

    async def ask(self, request: Request) -> Reply:
        answer = self.handler(request, Peer(1, 0, 0))
        return await answer if isinstance(answer, Coroutine) else answer

    async def look_up(self) -> Reply:
        return await self.ask(Lookup(id=7, secret_id=ID, **CALLER))

    async def register(self, payload: bytes) -> Reply:
        return await self.ask(StoreMapping(secret_id=ID, mapping=payload, claimed_uid=1000))

    async def refused_store(self, payload: bytes) -> Refusal:
        with pytest.raises(Refusal) as refused:
            await self.register(payload)
        return refused.value

    def audited(self) -> list[str]:
        """Return the lines since the last call, without their prefix."""
        text = self.lines.getvalue()
        self.lines.seek(0)
        self.lines.truncate()
        return [line.removeprefix("<5>psi-audit: ") for line in text.splitlines()]


def test_a_store_is_audited_with_its_coordinate(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Scene(tmp_path)
        assert isinstance(await stage.register(mapping("A")), Done)
        expected = f"mapping-stored id={ID} secret=myproject:/myapp#A claimed_uid=1000"
        assert stage.audited() == [expected]

    run(scene())


def test_a_live_fetch_is_audited(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Scene(tmp_path)
        await stage.register(mapping("A"))
        stage.audited()
        reply = await stage.look_up()
        assert isinstance(reply, LookupReply)
        assert reply.value.reveal() == b"the value"
        expected = f"secret-granted id={ID} source=live claimed_uid=1000 claimed_pid=42"
        assert stage.audited() == [expected]

    run(scene())


def test_cached_grants_are_one_line_then_a_summary(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Scene(tmp_path)
        await stage.register(mapping("A"))
        await stage.look_up()
        stage.audited()
        for _ in range(10):
            await stage.look_up()
        granted = f"secret-granted id={ID} source=cached claimed_uid=1000 claimed_pid=42"
        assert stage.audited() == [granted]
        stage.audit.flush()
        summary = f"secret-granted-summary id={ID} source=cached grants=9"
        assert stage.audited() == [summary]
        stage.now += 3600
        await stage.look_up()
        assert stage.audited() == [granted]

    run(scene())


def test_with_a_full_audit_every_cached_grant_is_a_line(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Scene(tmp_path, full=True)
        await stage.register(mapping("A"))
        await stage.look_up()
        stage.audited()
        for _ in range(10):
            await stage.look_up()
        assert len(stage.audited()) == 10

    run(scene())


def test_an_unknown_id_is_denied_and_audited(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Scene(tmp_path)
        reply = await stage.look_up()
        assert isinstance(reply, Refused)
        assert (reply.id, reply.code) == (7, BrokerError.UNKNOWN_ID)
        assert (
            reply.detail == "no mapping has this id; run psictl setup to register the secret anew"
        )
        assert stage.audited() == [
            f"secret-denied id={ID} secret=unknown code=unknown-id claimed_uid=1000 claimed_pid=42"
        ]
        assert stage.handler.refusals == stage.handler.lookups == 1

    run(scene())


def test_a_stored_file_outside_of_the_policy_is_denied_at_lookup(tmp_path: Path) -> None:
    async def scene() -> None:
        (tmp_path / ID).write_bytes(mapping("A", "/other"))
        stage = Scene(tmp_path)
        reply = await stage.look_up()
        assert isinstance(reply, Refused)
        assert reply.code == BrokerError.FORBIDDEN
        assert stage.upstream.calls == []
        (line,) = stage.audited()
        assert "secret=myproject:/other#A code=forbidden" in line

    run(scene())


def test_infisicals_refusal_is_audited_with_its_code(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Scene(tmp_path)
        await stage.register(mapping("A"))
        stage.audited()
        stage.upstream.list_error = failure(Kind.TRANSPORT, "it is down")
        reply = await stage.look_up()
        assert isinstance(reply, Refused)
        assert (reply.code, reply.detail) == (BrokerError.UNREACHABLE, "it is down")
        (line,) = stage.audited()
        assert "code=unreachable" in line

    run(scene())


STORES = {
    BrokerError.BAD_MAPPING: b"nojson",
    BrokerError.FORBIDDEN: mapping("A", "/other"),
    BrokerError.CONFLICT: mapping("B"),
}


@pytest.mark.parametrize(("code", "payload"), STORES.items())
def test_a_refused_store_is_audited_and_leaves_nothing(
    tmp_path: Path, code: BrokerError, payload: bytes
) -> None:
    async def scene() -> None:
        stage = Scene(tmp_path)
        if code is BrokerError.CONFLICT:
            await stage.register(mapping("A"))
            stage.audited()
        before = stage.store.get(ID)
        assert (await stage.refused_store(payload)).code == code
        assert stage.audited() == [f"mapping-denied id={ID} code={code} claimed_uid=1000"]
        assert stage.store.get(ID) == before

    run(scene())


@pytest.mark.parametrize("project", ["other", "billing"])
def test_an_unknown_project_is_refused_at_store(tmp_path: Path, project: str) -> None:
    async def scene() -> None:
        refused = await Scene(tmp_path).refused_store(mapping("A", project=project))
        assert refused.code == BrokerError.FORBIDDEN
        assert "in no workload's sources and not in allow; see psictl apply" in refused.detail

    run(scene())


def test_a_delete_is_audited_when_there_was_something(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Scene(tmp_path)
        await stage.register(mapping("A"))
        stage.audited()
        request = DeleteMapping(secret_id=ID, claimed_uid=1000)
        assert isinstance(await stage.ask(request), Done)
        assert stage.audited() == [f"mapping-deleted id={ID} claimed_uid=1000"]
        assert isinstance(await stage.ask(request), Done)
        assert stage.audited() == []

    run(scene())


def test_the_unwritten_grants_are_summed_up_when_a_secret_goes(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Scene(tmp_path)
        await stage.register(mapping("A"))
        for _ in range(5):
            await stage.look_up()
        stage.audited()
        await stage.ask(DeleteMapping(secret_id=ID, claimed_uid=1000))
        summary, _ = stage.audited()
        assert summary == f"secret-granted-summary id={ID} source=cached grants=3"

    run(scene())


def test_a_cached_value_is_answered_without_a_task(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Scene(tmp_path)
        await stage.register(mapping("A"))
        await stage.look_up()
        answer: Any = stage.handler(Lookup(secret_id=ID, **CALLER), Peer(1, 0, 0))
        assert isinstance(answer, LookupReply)
        assert not asyncio.all_tasks() - {asyncio.current_task()}

    run(scene())


def test_hostile_text_of_a_coordinate_forges_no_audit_line(tmp_path: Path) -> None:
    async def scene() -> None:
        payload = json.dumps({"project": "myproject", "path": '/myapp" x=', "key": "A B=C"})
        stage = Scene(tmp_path)
        (tmp_path / ID).write_bytes(payload.encode())
        stage.store.load()
        await stage.look_up()
        (line,) = stage.audited()
        assert 'secret="myproject:/myapp\\" x=#A B=C" code=' in line

    run(scene())


def test_a_ping_is_answered(tmp_path: Path) -> None:
    async def scene() -> None:
        assert await Scene(tmp_path).ask(Ping(id=3)) == Pong(id=3)

    run(scene())
