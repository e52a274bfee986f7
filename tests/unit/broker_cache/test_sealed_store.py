"""Sealed secrets: opened at start, bound to their names, registered once and only after psictl."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from psi.broker.cache import NoCache
from psi.broker.lookup_handler import LookupHandler
from psi.broker.mapping import SealedName
from psi.broker.mapping_store import MappingStore
from psi.broker.policy import Policy
from psi.broker.sealed_store import SealedStore
from psi.broker.sealer_client import SealerClient
from psi.broker.values import Values
from psi.shared.audit import Audit
from psi.shared.errors import Refusal
from psi.shared.log import Log
from psi.shared.messages.base import Done, Reply
from psi.shared.messages.broker import BrokerError, Lookup, LookupReply, StoreMapping
from psi.shared.messages.sealer import SealerError
from psi.shared.peer import Peer
from psi.shared.processes import Process
from psi.shared.secret import MAX_SECRET_BYTES, SecretBytes
from tests.fakes.sealer_stub.stub import SealerStub, sealer_stub
from tests.unit.broker_cache.rig import QUICK, HandClock, refusal_of, run, until
from tests.unit.broker_refresh.rig import Upstream, projection, source

ID, OTHER = "a" * 25, "b" * 25
BOOT = SecretBytes(b"boot value")


class Rig:
    """A store, and the handler that a frontend talks to."""

    def __init__(self, folder: Path, stub: SealerStub | None) -> None:
        log = Log(Process.BROKER)
        self.folder = folder / "sealed"
        self.clock = HandClock()
        client = SealerClient(str(stub.path), "software", QUICK, log) if stub else None
        self.store = SealedStore(self.folder, client, QUICK, self.clock, log)
        config = projection(source())
        policy = Policy(config)
        values = Values(config.infisical.projects, policy, NoCache(), Upstream(), self.store, QUICK)
        mappings = MappingStore(folder, 100, log)
        audit = Audit(full=False, interval_seconds=3600, stream=io.StringIO())
        self.handler = LookupHandler(mappings, policy, values, self.store, audit)
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.get_running_loop().create_task(self.store.run())

    async def seal(self, name: str = "BOOT", value: SecretBytes = BOOT, **given: bool) -> None:
        await self.store.store(name, value, replace=given.get("replace", False))

    async def register(self, secret_id: str = ID, name: str = "BOOT") -> Reply:
        payload = json.dumps({"provider": "sealed", "name": name}).encode()
        request = StoreMapping(secret_id=secret_id, mapping=payload, claimed_uid=0)
        answer = self.handler(request, Peer(1, 0, 0))
        return answer if isinstance(answer, Reply) else await answer

    async def look_up(self, secret_id: str = ID) -> Reply:
        answer = self.handler(
            Lookup(secret_id=secret_id, claimed_uid=0, claimed_pid=1), Peer(1, 0, 0)
        )
        return answer if isinstance(answer, Reply) else await answer


@asynccontextmanager
async def rig(folder: Path, stub: SealerStub | None, *, start: bool = True) -> AsyncIterator[Rig]:
    made = Rig(folder, stub)
    if start:
        made.start()
    try:
        yield made
    finally:
        if made.task is not None:
            made.task.cancel()
            await asyncio.gather(made.task, return_exceptions=True)


def tried(store: SealedStore) -> bool:
    """Whether BOOT could not be opened, and it is known why."""
    return "not opened yet" not in store._closed.get("BOOT", "not opened yet")


async def restarted(folder: Path, stub: SealerStub) -> SecretBytes | None:
    """Return what a new start has of BOOT, once it has tried."""
    async with rig(folder, stub) as made:
        await until(lambda: made.store.get("BOOT") or tried(made.store))
        return made.store.get("BOOT")


def test_a_sealed_value_is_served_from_memory_and_after_a_restart(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
                assert isinstance(await made.register(), Done)
                reply = await made.look_up()
                assert isinstance(reply, LookupReply)
                assert reply.value == BOOT
            file = folder / "sealed/BOOT"
            assert b"boot value" not in file.read_bytes()
            assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (
                0o600,
                0o700,
            )
            async with rig(folder, stub) as made:
                await until(lambda: made.store.get("BOOT"))
                assert made.store.get("BOOT") == BOOT

    run(scenario())


def test_swapped_files_are_refused_by_their_names(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal("BOOT")
                await made.seal("ADMIN", SecretBytes(b"admin value"))
            boot, admin = folder / "sealed/BOOT", folder / "sealed/ADMIN"
            boot.rename(folder / "x")
            admin.rename(boot)
            (folder / "x").rename(admin)
            async with rig(folder, stub) as made:
                await until(lambda: "damaged" in made.store.refusal("ADMIN").detail)
                await until(lambda: "damaged" in made.store.refusal("BOOT").detail)
                assert len(made.store) == 0
                assert "psictl seal --force BOOT" in made.store.refusal("BOOT").detail

    run(scenario())


@pytest.mark.parametrize("damage", [b"", b"junk", None])
def test_a_damaged_file_is_told_and_left_where_it_is(folder: Path, damage: bytes | None) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
                await made.seal("WHOLE")
            file = folder / "sealed/BOOT"
            damaged = file.read_bytes()[:-1] + b"\xff" if damage is None else damage
            file.write_bytes(damaged)
            async with rig(folder, stub) as made:
                await until(lambda: "damaged" in made.store.refusal("BOOT").detail)
                await until(lambda: made.store.get("WHOLE"))
                assert made.store.refusal("BOOT").code == BrokerError.SEALER
                refusal = await refusal_of(made.seal())
                assert refusal.code == BrokerError.EXISTS
                assert file.read_bytes() == damaged
                await made.seal(replace=True)
                assert made.store.get("BOOT") == BOOT
            assert await restarted(folder, stub) == BOOT

    run(scenario())


@pytest.mark.parametrize(
    "code", [SealerError.DEVICE_UNAVAILABLE, SealerError.BOOT_STATE, SealerError.UNPROVISIONED]
)
def test_a_sealer_that_is_unwell_is_waited_for(folder: Path, code: SealerError) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
            stub.refuses = code
            async with rig(folder, stub) as made:
                await until(lambda: "the stub says" in made.store.refusal("BOOT").detail)
                stub.refuses = None
                await until(lambda: made.store.get("BOOT"))

    run(scenario())


def test_another_key_is_told_and_the_right_one_opens_it_without_a_restart(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
            stub.become_another()
            async with rig(folder, stub) as made:
                await until(lambda: "another key" in made.store.refusal("BOOT").detail)
                stub.become_another(b"k")
                await until(lambda: made.store.get("BOOT"))

    run(scenario())


def test_a_sealer_that_is_away_is_told_and_waited_for(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
            await stub.leave()
            async with rig(folder, stub) as made:
                await until(lambda: "not reachable" in made.store.refusal("BOOT").detail)
                refusal = await refusal_of(made.seal("NEW"))
                assert refusal.code == BrokerError.SEALER
                assert not (folder / "sealed/NEW").exists()
                await stub.arrive()
                await until(lambda: made.store.get("BOOT"))

    run(scenario())


def test_without_a_sealer_nothing_can_be_sealed_and_it_says_what_to_do(folder: Path) -> None:
    async def scenario() -> None:
        async with rig(folder, None) as made:
            refusal = await refusal_of(made.seal())
            assert refusal.code == BrokerError.SEALER
            assert "set cache.backend" in refusal.detail

    run(scenario())


def test_a_name_is_not_overwritten_even_before_the_files_were_found(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
            async with rig(folder, stub, start=False) as made:
                refusal = await refusal_of(made.seal(value=SecretBytes(b"other")))
                assert refusal.code == BrokerError.EXISTS
            assert await restarted(folder, stub) == BOOT

    run(scenario())


def test_of_two_at_once_one_is_told_that_it_exists(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub, rig(folder, stub) as made:
            both = await asyncio.gather(
                made.seal(value=SecretBytes(b"1")),
                made.seal(value=SecretBytes(b"2")),
                return_exceptions=True,
            )
            assert [type(each) for each in both] == [type(None), Refusal]
            assert made.store.get("BOOT") == SecretBytes(b"1")

    run(scenario())


def test_a_value_sealed_anew_is_not_replaced_by_the_file_that_was_being_read(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
            async with rig(folder, stub, start=False) as made:
                stub.hang()
                made.start()
                await until(lambda: "BOOT" in made.store._closed)
                newer = asyncio.create_task(made.seal(value=SecretBytes(b"newer"), replace=True))
                stub.go_on()
                await newer
                await until(lambda: not made.store._closed)
                await asyncio.sleep(0)
                assert made.store.get("BOOT") == SecretBytes(b"newer")

    run(scenario())


def test_an_empty_value_is_refused_and_the_largest_is_taken(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                refusal = await refusal_of(made.seal(value=SecretBytes(b"")))
                assert refusal.code == BrokerError.BAD_VALUE
                await made.seal(value=SecretBytes(b"x" * MAX_SECRET_BYTES))
            opened = await restarted(folder, stub)
            assert opened is not None
            assert len(opened) == MAX_SECRET_BYTES

    run(scenario())


async def forbidden(made: Rig, **given: str) -> str:
    refusal = await refusal_of(made.register(**given))
    assert refusal.code == BrokerError.FORBIDDEN
    return refusal.detail


def test_a_frontend_cannot_register_a_sealed_name_by_itself(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
                await made.register()
            async with rig(folder, stub) as made:
                await until(lambda: made.store.get("BOOT"))
                assert "psictl seal" in await forbidden(made, secret_id=OTHER)
                assert "psictl seal" in await forbidden(made, secret_id=OTHER, name="NO_SUCH")

    run(scenario())


def test_the_window_is_for_one_id_of_one_name(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub, rig(folder, stub) as made:
            await made.seal("ADMIN")
            await made.register(name="ADMIN")
            await made.seal()
            await forbidden(made, secret_id=OTHER, name="ADMIN")
            assert isinstance(await made.register(secret_id="c" * 25), Done)
            await forbidden(made, secret_id=OTHER)

    run(scenario())


def test_the_same_registration_sent_again_is_no_second_one(folder: Path) -> None:
    """The frontend repeats a store whose answer was lost."""

    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub, rig(folder, stub) as made:
            await made.seal()
            assert isinstance(await made.register(), Done)
            assert isinstance(await made.register(), Done)

    run(scenario())


def test_the_window_ends(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub, rig(folder, stub) as made:
            await made.seal()
            made.clock.boot_now += QUICK.registration_seconds
            await forbidden(made)
            await made.seal(replace=True)
            made.clock.boot_now += QUICK.registration_seconds - 1
            assert isinstance(await made.register(), Done)

    run(scenario())


def test_a_seal_that_failed_opens_no_window(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub, rig(folder, stub) as made:
            stub.refuses = SealerError.DEVICE_BUSY
            await refusal_of(made.seal())
            await forbidden(made)
            assert made.store.get("BOOT") is None

    run(scenario())


def test_a_lookup_of_what_is_closed_names_the_cause(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
                await made.register()
            stub.refuses = SealerError.BOOT_STATE
            async with rig(folder, stub) as made:
                await until(lambda: "the stub says" in made.store.refusal("BOOT").detail)
                refusal = made.store.refusal("BOOT")
                assert "sealed secret BOOT: the stub says boot-state" in refusal.detail
                assert made.store.refusal("NO").code == BrokerError.ABSENT

    run(scenario())


def test_names_that_are_none_are_left_alone(folder: Path) -> None:
    async def scenario() -> None:
        (folder / "sealed").mkdir()
        (folder / "sealed/..x").write_bytes(b"")
        (folder / "sealed/a-b").write_bytes(b"")
        async with sealer_stub(folder / "s.sock") as stub, rig(folder, stub) as made:
            assert made.task is not None
            await made.task
            assert len(made.store) == 0

    run(scenario())


def test_a_sealed_name_is_in_no_coordinates_way() -> None:
    assert str(SealedName("BOOT")) == "sealed:BOOT"
