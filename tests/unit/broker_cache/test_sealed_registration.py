"""Who may register a sealed secret: psictl, once for each sealing (r5)."""

from pathlib import Path

from psi.shared.messages.base import Done
from psi.shared.messages.broker import BrokerError
from psi.shared.messages.sealer import SealerError
from tests.fakes.sealer_stub.stub import sealer_stub
from tests.unit.broker_cache.rig import QUICK, refusal_of, run, until
from tests.unit.broker_cache.sealed_rig import OTHER, Rig, rig


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
