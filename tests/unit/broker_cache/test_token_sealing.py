"""Tokens at rest: sealed where there is a sealer, absent where it does not answer (r7)."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from psi.broker.envelope import MAGIC
from psi.broker.infisical.client import InfisicalClient
from psi.broker.sealer_client import SealerClient
from psi.broker.token_sealing import SECONDS, TokenSealing
from psi.shared.log import Log
from psi.shared.messages.sealer import SealerError
from psi.shared.processes import Process
from tests.fakes.infisical.process import StandIn
from tests.fakes.sealer_stub.stub import SealerStub, sealer_stub
from tests.unit.broker_cache.rig import QUICK, run
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    LOGIN,
    PATIENT,
    RENEW,
    REVOKE,
    HandClock,
    config,
    get_key,
    no_credential,
    seed,
)


@pytest.fixture(scope="module")
def running() -> Iterator[StandIn]:
    with StandIn(seed()) as server:
        yield server


@pytest.fixture
def infisical(running: StandIn) -> StandIn:
    running.clear_faults()
    running.control("POST", "clock", {"offset": 0})
    running.clear_requests()
    return running


@asynccontextmanager
async def client(
    folder: Path, infisical: StandIn, stub: SealerStub | None, clock: HandClock | None = None
) -> AsyncIterator[InfisicalClient]:
    log = Log(Process.BROKER)
    sealer = SealerClient(str(stub.path), "software", QUICK, log) if stub else None
    made = InfisicalClient(
        config(infisical.url),
        state_dir=folder,
        credentials=no_credential,
        limits=PATIENT,
        clock=clock or HandClock(),
        sealing=TokenSealing(sealer) if sealer else None,
    )
    try:
        yield made
    finally:
        await made.close()


async def use(folder: Path, infisical: StandIn, stub: SealerStub | None) -> None:
    async with client(folder, infisical, stub) as made:
        assert await get_key(made) == b"value"


def token_files(folder: Path) -> list[Path]:
    return list(folder.glob(".token.*"))


def counts(infisical: StandIn) -> list[int]:
    return [infisical.count(route) for route in (LOGIN, RENEW, REVOKE)]


def test_a_long_lived_token_is_on_disk_sealed_and_a_restart_needs_no_login(
    folder: Path, infisical: StandIn
) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            await use(folder, infisical, stub)
            (file,) = token_files(folder)
            content = file.read_bytes()
            assert content.startswith(MAGIC)
            assert b"eyJ" not in content
            assert file.stat().st_mode & 0o777 == 0o600
            await use(folder, infisical, stub)

    run(scenario())
    assert counts(infisical) == [1, 0, 0]


def test_past_token_ttl_it_is_renewed_and_the_renewed_one_is_on_disk(
    folder: Path, infisical: StandIn
) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            await use(folder, infisical, stub)
            first = token_files(folder)[0].read_bytes()
            clock = HandClock()
            clock.advance(301)
            async with client(folder, infisical, stub, clock) as made:
                await get_key(made)
            assert token_files(folder)[0].read_bytes() != first

    run(scenario())
    assert counts(infisical) == [1, 1, 0]


def test_with_the_sealer_away_a_login_is_not_kept_and_is_revoked_at_the_end(
    folder: Path, infisical: StandIn
) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock", present=False) as stub:
            await use(folder, infisical, stub)

    run(scenario())
    assert token_files(folder) == []
    assert counts(infisical) == [1, 0, 1]


def test_a_sealer_that_hangs_delays_a_login_by_a_second_and_no_more(
    folder: Path, infisical: StandIn
) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            stub.hang()
            async with client(folder, infisical, stub) as made:
                begun = time.monotonic()
                await get_key(made)
                assert time.monotonic() - begun < 10 * SECONDS
            assert token_files(folder) == []

    run(scenario())


def test_a_token_whose_sealer_is_unwell_is_replaced_by_a_login(
    folder: Path, infisical: StandIn
) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            await use(folder, infisical, stub)
            stub.refuses = SealerError.BOOT_STATE
            await use(folder, infisical, stub)
            assert token_files(folder) == []
            stub.refuses = None
            await use(folder, infisical, stub)
            assert len(token_files(folder)) == 1

    run(scenario())
    assert counts(infisical)[0] == 3


def test_another_identitys_file_under_this_name_is_not_opened(
    folder: Path, infisical: StandIn
) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            log = Log(Process.BROKER)
            sealing = TokenSealing(SealerClient(str(stub.path), "software", QUICK, log))
            blob = await sealing.seal(".token.other.json", b"{}")
            assert await sealing.open(".token.other.json", blob) == b"{}"
            await use(folder, infisical, stub)
            (file,) = token_files(folder)
            file.write_bytes(blob)
            await use(folder, infisical, stub)

    run(scenario())
    assert counts(infisical)[0] == 2


@pytest.mark.parametrize("content", [b"", b"{}", MAGIC + b"\0" * 200])
def test_a_damaged_file_costs_a_login(folder: Path, infisical: StandIn, content: bytes) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            await use(folder, infisical, stub)
            token_files(folder)[0].write_bytes(content)
            await use(folder, infisical, stub)

    run(scenario())
    assert counts(infisical)[0] == 2


def test_a_plain_file_of_a_time_without_a_sealer_is_not_trusted(
    folder: Path, infisical: StandIn
) -> None:
    async def scenario() -> None:
        infisical.control("POST", "identity", {"client_id": CLIENT_ID, "ttl": 300})
        await use(folder, infisical, None)
        assert len(token_files(folder)) == 1
        async with sealer_stub(folder / "s.sock") as stub:
            await use(folder, infisical, stub)
            assert token_files(folder)[0].read_bytes().startswith(MAGIC)
        infisical.control("POST", "identity", {"client_id": CLIENT_ID, "ttl": 2_592_000})

    run(scenario())
    assert counts(infisical)[0] == 2


def test_a_forced_login_ends_the_one_that_the_file_keeps(folder: Path, infisical: StandIn) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            await use(folder, infisical, stub)
            async with client(folder, infisical, stub) as made:
                (outcome,) = await made.test_logins(retry=False)
                assert outcome.ok
                await asyncio.sleep(0)

    run(scenario())
    assert counts(infisical) == [2, 0, 1]
