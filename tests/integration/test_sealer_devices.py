"""The real process on real devices: swtpm, SoftHSM, and a token whose keys live in a TPM."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psi.shared.messages.base import Done
from psi.shared.messages.sealer import (
    AddSlot,
    AddSlotReply,
    Recover,
    RemoveSlot,
    Reseal,
    SealerError,
    SealerStatusReply,
)
from tests.fakes.devices.softhsm import SPY, SoftHsmToken
from tests.fakes.devices.swtpm import SwTpm
from tests.fakes.devices.tpm2_pkcs11 import Tpm2Pkcs11
from tests.unit.sealer.sealer_process import KEY, SealerProcess

_LIMITS = {"device_retry_seconds": 0.1}
_RESTARTS = 20


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="psi-") as name:
        yield Path(name)


@pytest.fixture
def tpm(folder: Path) -> Iterator[SwTpm]:
    (folder / "tpm").mkdir()
    with SwTpm(folder / "tpm") as started:
        yield started


def on_tpm(folder: Path, tpm: SwTpm, policy: str = "none", **options: object) -> SealerProcess:
    facts = {"tcti": tpm.tcti, "policy": policy, "pcrs": [] if policy == "none" else [7]}
    return SealerProcess(folder, limits=_LIMITS, backend="tpm", tpm=facts, **options)


def on_token(
    folder: Path, token: SoftHsmToken | Tpm2Pkcs11, pin: str | None = None, module: str = ""
) -> SealerProcess:
    environment = dict(token.environment)
    if module:
        environment |= {"PKCS11SPY": token.module, "PKCS11SPY_OUTPUT": str(folder / "spy.log")}
    facts = {
        "module": module or token.module,
        "token_label": token.label,
        "key_label": token.key_label,
        "pin": token.pin if pin is None else pin,
    }
    return SealerProcess(folder, device=environment, limits=_LIMITS, backend="pkcs11", pkcs11=facts)


@pytest.fixture(
    params=["tpm", "tpm pcr", "tpm authorized", "softhsm rsa", "softhsm ec", "tpm2-pkcs11"]
)
def sealer(request: pytest.FixtureRequest, folder: Path) -> Iterator[SealerProcess]:
    """Give a sealer on each kind of device, not yet started."""
    kind, _, variant = str(request.param).partition(" ")
    (folder / "device").mkdir()
    with ExitStack() as stack:
        if kind == "tpm":
            tpm = stack.enter_context(SwTpm(folder / "device"))
            made = on_tpm(folder, tpm, variant or "none")
        elif kind == "softhsm":
            token = SoftHsmToken(folder / "device", kind="ec" if variant == "ec" else "rsa")
            made = on_token(folder, token)
        else:
            made = on_token(folder, stack.enter_context(Tpm2Pkcs11(folder / "device")))
        stack.callback(made.kill)
        yield made


def test_a_key_outlives_the_process_and_no_request_asks_the_device(sealer: SealerProcess) -> None:
    with sealer:
        printed = sealer.provision(recovery=True)
        wrapped = sealer.wrap()
        assert sealer.stop() == 0
    with sealer:
        assert sealer.unwrap(wrapped) == KEY
        calls = sealer.status().device_calls
        for _ in range(10):
            assert sealer.unwrap(sealer.wrap()) == KEY
        assert sealer.status().device_calls == calls == 1
        assert printed is not None
        sealer.do(Recover(recovery_key=printed), Done)
        sealer.do(RemoveSlot(number=0), Done)
        sealer.kill()
    with sealer:
        assert sealer.unwrap(wrapped) == KEY
        assert sealer.status().slots[0].kind == "recovery"


def test_per_operation_works_on_each_device(sealer: SealerProcess) -> None:
    sealer.configure(hold="per-operation")
    with sealer:
        sealer.provision()
        assert sealer.unwrap(sealer.wrap()) == KEY
        assert sealer.in_state("closed").device_calls == 3
        added = sealer.do(AddSlot(kind="device"), AddSlotReply)
        assert added.number == 1


def degraded(sealer: SealerProcess, code: SealerError) -> SealerStatusReply:
    found = sealer.in_state("degraded", code)
    assert found.detail
    return found


@pytest.mark.parametrize("policy", ["pcr", "authorized"])
def test_a_changed_boot_state_is_told_and_recovered(folder: Path, tpm: SwTpm, policy: str) -> None:
    with on_tpm(folder, tpm, policy) as sealer:
        printed = sealer.provision(recovery=True)
        wrapped = sealer.wrap()
        sealer.kill()
        tpm.extend(7)
        sealer.start()
        degraded(sealer, SealerError.BOOT_STATE)
        with pytest.raises(PsiError):
            sealer.unwrap(wrapped)
        assert printed is not None
        sealer.do(Recover(recovery_key=printed), Done)
        assert sealer.unwrap(wrapped) == KEY
        sealer.kill()
        sealer.start()
        assert sealer.unwrap(wrapped) == KEY


@pytest.mark.parametrize("policy", ["pcr", "authorized"])
def test_reseal_while_the_key_is_open_takes_the_new_state(
    folder: Path, tpm: SwTpm, policy: str
) -> None:
    with on_tpm(folder, tpm, policy) as sealer:
        sealer.provision()
        wrapped = sealer.wrap()
        tpm.extend(7)
        sealer.do(Reseal(), Done)
        sealer.kill()
        sealer.start()
        assert sealer.unwrap(wrapped) == KEY


def test_a_cleared_tpm_is_told_and_recovered(folder: Path, tpm: SwTpm) -> None:
    with on_tpm(folder, tpm) as sealer:
        printed = sealer.provision(recovery=True)
        wrapped = sealer.wrap()
        sealer.kill()
        tpm.clear()
        sealer.start()
        degraded(sealer, SealerError.OTHER_DEVICE)
        assert printed is not None
        sealer.do(Recover(recovery_key=printed), Done)
        assert sealer.unwrap(wrapped) == KEY


def test_a_tpm_that_is_away_is_opened_when_it_comes(folder: Path, tpm: SwTpm) -> None:
    with on_tpm(folder, tpm) as sealer:
        sealer.provision()
        wrapped = sealer.wrap()
        sealer.kill()
        tpm.stop()
        sealer.start()
        degraded(sealer, SealerError.DEVICE_UNAVAILABLE)
        tpm.start()
        sealer.in_state("open")
        assert sealer.unwrap(wrapped) == KEY


def test_a_tpm_that_hangs_stalls_nothing(folder: Path, tpm: SwTpm) -> None:
    sealer = on_tpm(folder, tpm)
    with sealer:
        sealer.provision()
        wrapped = sealer.wrap()
        tpm.pause()
        assert sealer.unwrap(wrapped) == KEY
        sealer.kill()
        sealer.start()
        assert sealer.status().state == "closed"
        tpm.resume()
        assert sealer.unwrap(wrapped) == KEY


def test_a_wrong_pin_is_one_login_over_20_restarts(folder: Path) -> None:
    token = SoftHsmToken(folder / "device")
    sealer = on_token(folder, token, pin="000000", module=str(SPY))
    for _ in range(_RESTARTS):
        with sealer:
            with pytest.raises(PsiError):
                sealer.provision()
            assert sealer.stop() == 0
    spied = (folder / "spy.log").read_text(errors="replace")
    assert spied.count("C_Login\n") == 1
    sealer.configure(pkcs11=sealer.facts["pkcs11"] | {"pin": token.pin})
    with sealer:
        sealer.provision()
        assert sealer.unwrap(sealer.wrap()) == KEY


def test_a_pulled_token_is_opened_when_it_is_back(folder: Path) -> None:
    token = SoftHsmToken(folder / "device")
    with on_token(folder, token) as sealer:
        sealer.provision()
        wrapped = sealer.wrap()
        sealer.kill()
        token.pull()
        sealer.start()
        degraded(sealer, SealerError.DEVICE_UNAVAILABLE)
        token.plug()
        sealer.in_state("open")
        assert sealer.unwrap(wrapped) == KEY
