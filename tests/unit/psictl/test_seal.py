"""``psictl seal``: what is kept, under which name, and what Podman is told."""

import msgspec
import pytest

from psi.shared.errors import ConfigError, PsiError, Refusal
from psi.shared.messages import broker_cache as k
from psi.shared.messages.base import Refused
from psi.shared.messages.broker_cache import (
    SealSecret,
)
from psi.shared.projection import Coordinate
from psi.shared.secret import SecretBytes
from psictl.client import BrokerClient
from psictl.podman.errors import NameInUse, PodmanError
from psictl.sealing import parse_sealed_name, seal
from psictl.setup.report import Outcome, SecretResult
from tests.fakes.broker.host import Host
from tests.fakes.broker.memory_podman import MemoryPodman
from tests.fakes.broker.setup_run import ID, commands

NAME = "ENCRYPTION_KEY"
CANARY = b"canary-7f3a\n"


@pytest.fixture
def podman(host: Host) -> MemoryPodman:
    """Return a Podman whose driver stores in the fake broker, as the real one does."""
    return MemoryPodman()


def run(
    host: Host, client: BrokerClient, podman: MemoryPodman, *, replace: bool = False
) -> SecretResult:
    request = SealSecret(name=NAME, value=SecretBytes(CANARY), replace=replace)
    return seal(client, podman, host.layout, request)


def sealings(host: Host) -> int:
    return sum(isinstance(request, SealSecret) for request in host.broker.requests)


@pytest.mark.parametrize("name", [NAME, "_x", "CAFE", "cafe_", "g", "A" * 128])
def test_names_that_are_taken(name: str) -> None:
    assert parse_sealed_name(name) == name


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A\n", "A" * 129, "ä", "../x", "a--b"])
def test_a_name_that_is_no_variables_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="environment variable name"):
        parse_sealed_name(name)


@pytest.mark.parametrize("name", ["cafe", "deadbeef", "a", "f00"])
def test_a_name_that_could_begin_an_id_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="could be the beginning of a secret's id"):
        parse_sealed_name(name)


def test_a_new_name_is_sealed_and_registered(
    host: Host, client: BrokerClient, podman: MemoryPodman
) -> None:
    result = run(host, client, podman)
    assert result.outcome is Outcome.CREATED
    assert host.world.keeping.sealed == {NAME: CANARY}
    assert podman.by_name[NAME].id == result.id
    mapping = msgspec.json.decode(podman.payloads[NAME])
    assert mapping == {"provider": "sealed", "name": NAME}
    assert CANARY.strip() not in podman.payloads[NAME]
    assert dict(podman.by_name[NAME].options) == commands(host)


def test_the_broker_is_idle_while_podman_works(
    host: Host, client: BrokerClient, podman: MemoryPodman
) -> None:
    busy: list[int] = []
    podman.on_call = lambda: busy.append(host.broker.busy)
    run(host, client, podman)
    assert set(busy) == {0}


def test_a_name_that_is_registered_already_is_kept(
    host: Host, client: BrokerClient, podman: MemoryPodman
) -> None:
    podman.hold(NAME, "shell", ID, commands(host))
    host.world.registered = {ID: NAME}
    host.world.keeping.sealed = {NAME: b"old"}
    result = run(host, client, podman, replace=True)
    assert (result.outcome, result.id) == (Outcome.KEPT, ID)
    assert podman.changes == []
    assert host.world.keeping.sealed == {NAME: CANARY}


def test_a_value_is_replaced_only_by_force(
    host: Host, client: BrokerClient, podman: MemoryPodman
) -> None:
    host.world.keeping.sealed = {NAME: b"old"}
    with pytest.raises(Refusal, match="--force"):
        run(host, client, podman)
    assert host.world.keeping.sealed == {NAME: b"old"}
    assert podman.changes == []


@pytest.mark.parametrize(("driver", "known"), [("file", True), ("shell", False)])
def test_a_foreign_secret_is_left_alone_and_nothing_is_sealed(
    host: Host, client: BrokerClient, podman: MemoryPodman, driver: str, *, known: bool
) -> None:
    podman.hold(NAME, driver, ID, commands(host))
    host.world.registered = {ID: NAME} if known else {}
    with pytest.raises(PsiError, match="nothing was sealed: podman secret rm it"):
        run(host, client, podman, replace=True)
    assert (sealings(host), podman.changes) == (0, [])


def test_a_name_of_our_own_for_another_value_needs_force(
    host: Host, client: BrokerClient, podman: MemoryPodman
) -> None:
    podman.hold(NAME, "shell", ID, commands(host))
    host.world.mappings = {ID: Coordinate(project="main", path="/", key="K")}
    with pytest.raises(PsiError, match="give --force to replace it"):
        run(host, client, podman)
    assert (sealings(host), podman.changes) == (0, [])
    assert run(host, client, podman, replace=True).outcome is Outcome.REPLACED
    assert podman.changes == [f"remove {NAME}", f"create {NAME}"]


def test_a_secret_of_another_command_is_created_anew(
    host: Host, client: BrokerClient, podman: MemoryPodman
) -> None:
    podman.hold(NAME, "shell", ID, {"lookup": "cat"})
    host.world.registered = {ID: NAME}
    assert run(host, client, podman, replace=True).outcome is Outcome.REPLACED


@pytest.mark.parametrize("error", [PodmanError("no space left"), NameInUse("in use")])
def test_what_podman_refuses_is_told_with_what_is_sealed(
    host: Host, client: BrokerClient, podman: MemoryPodman, error: PsiError
) -> None:
    podman.fail = {NAME: error}
    with pytest.raises(PsiError, match=f"{NAME} is sealed, but .*--force"):
        run(host, client, podman)


def test_setup_leaves_sealed_secrets_alone(host: Host) -> None:
    host.use_fake_podman()
    assert host.psictl("seal", NAME, stdin=CANARY).code == 0
    secret_id = host.psictl("seal", NAME, "--force", "--json", stdin=CANARY).json()["id"]
    host.world.registered = {secret_id: NAME}
    host.world.add("myapp")
    done = host.psictl("setup", "--json")
    assert done.code == 0
    assert done.json()["workloads"][0]["secrets"] == []


def test_the_command_shows_no_value(host: Host) -> None:
    host.use_fake_podman()
    done = host.psictl("seal", NAME, stdin=CANARY)
    assert (done.code, done.err) == (0, "")
    assert done.out.decode().startswith(f"{NAME}: sealed, created in Podman as ")
    assert host.world.keeping.sealed == {NAME: CANARY}


def test_without_podman_it_is_posted_as_podman_would(host: Host) -> None:
    done = host.command("seal", NAME, "--no-podman", stdin=CANARY)
    ((secret_id, name),) = host.world.registered.items()
    assert done.json() == [{"workload": "", "name": NAME, "id": secret_id}]
    assert (done.code, name) == (0, NAME)
    again = host.command("seal", NAME, "--no-podman", "--force", stdin=b"new")
    assert again.json() == done.json()
    assert host.world.keeping.sealed == {NAME: b"new"}


def test_a_mapping_that_is_refused_is_told(host: Host) -> None:
    host.frontend.refuse = {NAME}
    done = host.command("seal", NAME, "--no-podman", stdin=CANARY)
    assert (done.code, done.out) == (1, b"")
    assert f"{NAME} is sealed, but not registered: outside every workload" in done.err


@pytest.mark.parametrize(
    ("given", "kept"),
    [(b"a\n", b"a"), (b"a\r\n", b"a"), (b"a\n\n", b"a\n"), (b"a", b"a"), (b"\0\xff\n", b"\0\xff")],
)
def test_one_newline_is_cut_off_where_that_is_asked_for(
    host: Host, given: bytes, kept: bytes
) -> None:
    host.command("seal", NAME, "--no-podman", "--strip-newline", stdin=given)
    assert host.world.keeping.sealed == {NAME: kept}


@pytest.mark.parametrize("given", [b"a\n", b" a ", b"\n", b"\0", b"x" * 511_999])
def test_the_value_is_exactly_what_stdin_holds(host: Host, given: bytes) -> None:
    assert host.command("seal", NAME, "--no-podman", stdin=given).code == 0
    assert host.world.keeping.sealed == {NAME: given}


@pytest.mark.parametrize(
    ("given", "option"), [(b"", []), (b"x" * 512_000, []), (b"\n", ["--strip-newline"])]
)
def test_a_value_that_podman_cannot_keep_is_refused(
    host: Host, given: bytes, option: list[str]
) -> None:
    done = host.command("seal", NAME, "--no-podman", *option, stdin=given)
    assert (done.code, host.world.keeping.sealed) == (2, {})


def test_a_name_that_is_refused_does_not_wait_for_a_value(host: Host) -> None:
    assert host.command("seal", "cafe", "--no-podman").code == 2
    assert host.broker.requests == []


def test_a_refusal_of_the_sealer_is_told(host: Host) -> None:
    host.broker.answers[k.SealSecret] = lambda _: Refused(
        code="sealer", detail="the sealer has no keyslot; psictl cache init"
    )
    done = host.command("seal", NAME, "--no-podman", stdin=CANARY)
    assert (done.code, host.world.registered) == (1, {})
    assert "psictl cache init" in done.err


def test_the_help_says_what_becomes_of_a_newline(host: Host) -> None:
    shown = host.command("seal", "--help").out.decode()
    assert "Example: openssl rand -hex 32 | psictl seal --strip-newline" in shown
    assert "a newline at the end included" in " ".join(shown.split())
