"""``psictl cache init|slots|add-slot|remove-slot|reseal|recover``: the keyslots by command."""

from typing import Any

import pytest

from psi.shared.messages import sealer as s
from psi.shared.messages.base import Refused
from psi.shared.processes import Process
from psi.shared.secret import SecretBytes
from psictl.apply import apply
from tests.fakes.broker.host import Host
from tests.fakes.sealer.world import RECOVERY_KEY, slot

KEY = RECOVERY_KEY.decode()
CONFIG = """\
cache: {backend: BACKEND}
sealer: {pkcs11: {module: /p11.so, token_label: t, key_label: k}}
"""


def asked(host: Host, kind: type[Any]) -> list[Any]:
    return [request for request in host.sealer.requests if isinstance(request, kind)]


def test_init_prints_the_recovery_key_alone_on_stdout(host: Host) -> None:
    done = host.command("cache", "init", "--recovery")
    assert (done.code, done.out) == (0, f"{KEY}\n".encode())
    assert "shown once" in done.err
    assert KEY not in done.err
    (request,) = asked(host, s.Provision)
    assert (request.recovery, request.force) == (True, False)


def test_init_without_a_recovery_key(host: Host) -> None:
    done = host.command("cache", "init", "--no-recovery", "--backend", "tpm")
    assert (done.code, done.out) == (0, b"the sealer has a key, wrapped by tpm\n")
    assert not asked(host, s.Provision)[0].recovery


def test_the_object_of_init_holds_the_key(host: Host) -> None:
    done = host.command("cache", "init", "--recovery", "--json")
    assert done.json() == {"schema": 1, "backend": "tpm", "recovery_key": KEY}
    assert done.err == ""
    shown = host.command("cache", "init", "--no-recovery", "--force", "--json").json()
    assert shown["recovery_key"] is None


def test_init_wants_a_word_about_recovery(host: Host) -> None:
    done = host.command("cache", "init")
    assert done.code == 2
    assert "say --recovery, or --no-recovery" in done.err
    assert host.sealer.requests == []


@pytest.mark.parametrize("backend", ["hsm", "software", "memory", "pkcs11", "x"])
def test_another_backend_than_the_configured_one_is_refused(host: Host, backend: str) -> None:
    done = host.command("cache", "init", "--no-recovery", "--backend", backend)
    assert done.code == 2
    assert "has cache.backend: tpm" in done.err
    assert asked(host, s.Provision) == []


def test_the_configured_backend_has_the_configurations_name(host: Host) -> None:
    host.sealed.status = {"backend": "pkcs11"}
    assert host.command("cache", "init", "--no-recovery", "--backend", "hsm").code == 0


def test_init_overwrites_only_by_force(host: Host) -> None:
    host.sealed.slots = [slot(0, "tpm")]
    done = host.command("cache", "init", "--recovery")
    assert (done.code, done.out) == (1, b"")
    assert "give --force" in done.err
    assert host.command("cache", "init", "--recovery", "--force").code == 0
    assert [request.force for request in asked(host, s.Provision)] == [False, True]


@pytest.mark.parametrize("key", [b"", b"too-short", b"\x1b[2J" * 8, b"x" * 40, b"A" * 200])
def test_a_recovery_key_that_is_none_is_not_shown(host: Host, key: bytes) -> None:
    reply = s.ProvisionReply(recovery_key=SecretBytes(key))
    host.sealer.answers[s.Provision] = lambda _: reply
    done = host.command("cache", "init", "--recovery")
    assert (done.code, done.out) == (1, b"")
    assert "psictl cache add-slot --recovery" in done.err


@pytest.mark.parametrize("backend", ["memory", "null"])
def test_without_anything_at_rest_there_is_no_sealer_to_ask(host: Host, backend: str) -> None:
    config = host.root / "config.yaml"
    config.write_text(CONFIG.replace("BACKEND", backend))
    config.chmod(0o600)
    apply(config, host.layout)
    for command in (["init", "--recovery"], ["slots"], ["recover"]):
        done = host.command("cache", *command, stdin=RECOVERY_KEY)
        assert done.code == 2
        assert "there is no sealer: set it to tpm or hsm" in done.err
    assert host.sealer.requests == []


def test_with_a_backend_at_rest_the_sealer_is_asked(host: Host) -> None:
    config = host.root / "config.yaml"
    config.write_text(CONFIG.replace("BACKEND", "tpm"))
    config.chmod(0o600)
    apply(config, host.layout)
    assert host.command("cache", "slots").code == 0


def test_slots_are_listed_with_the_one_that_opened(host: Host) -> None:
    host.sealed.slots = [slot(0, "tpm", opens=True), slot(1, "recovery", "scrypt")]
    done = host.command("cache", "slots")
    lines = done.out.decode().splitlines()
    assert lines[1].split() == ["0", "tpm", "ecc-srk", "2023-11-14", "22:13:20", "UTC", "*"]
    assert lines[2].split() == ["1", "recovery", "scrypt", "2023-11-14", "22:13:20", "UTC"]
    shown = host.command("cache", "slots", "--json").json()
    assert shown["state"] == "open"
    assert shown["slots"][1] == {
        "number": 1, "kind": "recovery", "mechanism": "scrypt", "created_at": 1.7e9, "opens": False
    }  # fmt: skip  # one slot


def test_a_recovery_slot_is_added_and_its_key_shown(host: Host) -> None:
    host.sealed.slots = [slot(0, "tpm")]
    done = host.command("cache", "add-slot", "--recovery")
    assert (done.code, done.out) == (0, f"{KEY}\n".encode())
    shown = host.command("cache", "add-slot", "--recovery", "--json").json()
    assert shown == {"schema": 1, "number": 2, "recovery_key": KEY}


def test_a_slot_of_the_device_is_added(host: Host) -> None:
    host.sealed.slots = [slot(0, "tpm")]
    done = host.command("cache", "add-slot", "--device")
    assert (done.code, done.out) == (0, b"slot 1 was added\n")
    assert asked(host, s.AddSlot)[0].kind == "device"


@pytest.mark.parametrize("arguments", [[], ["--device", "--recovery"]])
def test_a_slot_is_of_one_kind(host: Host, arguments: list[str]) -> None:
    assert host.command("cache", "add-slot", *arguments).code == 2
    assert host.sealer.requests == []


def test_a_slot_is_removed(host: Host) -> None:
    host.sealed.slots = [slot(0, "tpm"), slot(1, "recovery")]
    assert host.command("cache", "remove-slot", "1").out == b"slot 1 was removed\n"
    assert [each.number for each in host.sealed.slots] == [0]
    host.sealed.slots.append(slot(3, "recovery"))
    shown = host.command("cache", "remove-slot", "3", "--json").json()
    assert shown == {"schema": 1, "removed": 3}


@pytest.mark.parametrize(("number", "code"), [("0", 1), ("5", 2), ("8", 2), ("-1", 2), ("x", 2)])
def test_a_slot_that_must_stay_or_is_none_is_refused(host: Host, number: str, code: int) -> None:
    host.sealed.slots = [slot(0, "tpm")]
    done = host.command("cache", "remove-slot", number)
    assert (done.code, done.out) == (code, b"")
    assert len(host.sealed.slots) == 1


def test_slots_are_resealed(host: Host) -> None:
    assert host.command("cache", "reseal").code == 0
    done = host.command("cache", "reseal", "--approve", "Ab" * 32, "--json")
    assert done.json() == {"schema": 1, "approved": "ab" * 32}
    assert host.sealed.approved == [None, bytes.fromhex("ab" * 32)]


@pytest.mark.parametrize("digest", ["", "ab", "ab" * 31, "ab" * 33, "zz" * 32, "ab" * 32 + "\n"])
def test_what_is_no_digest_approves_nothing(host: Host, digest: str) -> None:
    assert host.command("cache", "reseal", "--approve", digest).code == 2
    assert host.sealer.requests == []


@pytest.mark.parametrize("ends", [b"", b"\n", b" \r\n"])
def test_the_recovery_key_comes_from_stdin(host: Host, ends: bytes) -> None:
    host.sealed.slots = [slot(1, "recovery")]
    done = host.command("cache", "recover", stdin=RECOVERY_KEY + ends)
    assert done.code == 0
    assert KEY not in done.out.decode() + done.err
    assert [each.kind for each in host.sealed.slots] == ["recovery", "tpm"]


def test_the_object_of_recover_has_the_slots(host: Host) -> None:
    shown = host.command("cache", "recover", "--json", stdin=RECOVERY_KEY).json()
    assert (shown["state"], len(shown["slots"])) == ("open", 1)


def test_a_wrong_recovery_key_is_exit_1_and_not_repeated(host: Host) -> None:
    done = host.command("cache", "recover", stdin=b"WRONG-KEY\n")
    assert (done.code, done.out) == (1, b"")
    assert "opens no slot" in done.err
    assert "WRONG" not in done.err


@pytest.mark.parametrize("typed", [b"", b"A" * 513])
def test_a_recovery_key_that_cannot_be_one_is_not_sent(host: Host, typed: bytes) -> None:
    assert host.command("cache", "recover", stdin=typed).code == 2
    assert host.sealer.requests == []


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("device-unavailable", 5),
        ("device-busy", 5),
        ("device-reset", 5),
        ("device-timeout", 5),
        ("draining", 5),
        ("boot-state", 1),
        ("locked-out", 1),
        ("pin-refused", 1),
        ("slots-full", 1),
    ],
)
def test_what_the_device_says_has_its_exit_code(host: Host, code: str, exit_code: int) -> None:
    host.sealer.answers[s.Reseal] = lambda _: Refused(code=code, detail="cause; remedy")
    done = host.command("cache", "reseal")
    assert (done.code, done.err) == (exit_code, "psictl: cause; remedy\n")


@pytest.mark.parametrize(
    "command", [["init", "--no-recovery"], ["slots"], ["reseal"], ["add-slot", "--device"]]
)
def test_without_a_sealer_every_command_is_exit_4(host: Host, command: list[str]) -> None:
    host.layout.control_socket(Process.SEALER).unlink()
    done = host.command("cache", *command)
    assert (done.code, done.out) == (4, b"")
    assert "the sealer's socket" in done.err
