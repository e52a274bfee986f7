"""``psictl infisical`` login, env and write-file, as a person runs them."""

import base64
import stat
import subprocess
from collections.abc import Iterator

import pytest

from psi.shared.messages import broker as b
from psi.shared.messages.base import Refused
from tests.fakes.broker.host import Ended, Host
from tests.fakes.broker.world import finding


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as entered:
        yield entered


def login(scope: str, *, ok: bool) -> b.LoginResult:
    return b.LoginResult(
        scope=scope, method="universal-auth", identity="client", ok=ok,
        detail="" if ok else "Infisical refuses the client secret", expires_at=1.8e9 if ok else 0,
    )  # fmt: skip  # one result


def env(host: Host, *arguments: str) -> Ended:
    return host.psictl("infisical", "env", "--project", "main", *arguments)


def write_file(host: Host, *arguments: str) -> Ended:
    return host.psictl("infisical", "write-file", *arguments, "--project", "main")


def test_login_names_every_scope_and_fails_if_one_does(host: Host) -> None:
    host.world.logins = [login("global", ok=True), login("project:x", ok=False)]
    done = host.psictl("infisical", "login")
    assert done.code == 1
    assert "OK global" in done.out.decode()
    assert "2027-01-15 08:00:00 UTC" in done.out.decode()
    assert "FAIL project:x" in done.out.decode()
    assert "refuses the client secret" in done.out.decode()


def test_login_is_exit_0_where_all_succeed(host: Host) -> None:
    host.world.logins = [login("global", ok=True), *[login("project:p", ok=True)] * 4]
    done = host.psictl("infisical", "login", "--json")
    assert done.code == 0
    assert done.json()["schema"] == 1
    assert [result["ok"] for result in done.json()["results"]] == [True] * 5


@pytest.mark.parametrize("retry", [True, False])
def test_login_passes_retry_on(host: Host, *, retry: bool) -> None:
    host.world.logins = [login("global", ok=True)]
    assert host.psictl("infisical", "login", *(["--retry"] if retry else [])).code == 0
    (request,) = host.broker.requests
    assert isinstance(request, b.TestLogin)
    assert request.retry is retry


def test_login_without_any_identity_is_exit_1(host: Host) -> None:
    done = host.psictl("infisical", "login")
    assert done.code == 1
    assert "no identity is configured" in done.err


def test_env_prints_what_eval_takes(host: Host) -> None:
    host.world.values["main", "/"] = {"A": b"it's $(id)\n", "B": b"2"}
    done = env(host)
    assert done.code == 0
    got = subprocess.run(
        ["sh", "-c", 'eval "$(cat)"; printf %s "$A$B"'],
        input=done.out,
        capture_output=True,
        check=True,
    )
    assert got.stdout == b"it's $(id)\n2"


def test_env_format_env(host: Host) -> None:
    host.world.values["main", "/app"] = {"A": b"x y"}
    assert env(host, "--path", "/app", "--format", "env").out == b"A=x y\n"


def test_env_asks_for_the_environment(host: Host) -> None:
    host.world.values["main", "/"] = {"A": b"1"}
    assert env(host, "--environment", "staging").code == 0
    (request,) = host.broker.requests
    assert isinstance(request, b.ReadSecrets)
    assert request.environment == "staging"


def test_env_prints_nothing_when_one_does_not_pass(host: Host) -> None:
    host.world.values["main", "/"] = {"A": b"1", "LD_PRELOAD": b"/tmp/evil.so"}
    done = env(host)
    assert (done.code, done.out) == (1, b"")
    assert "LD_PRELOAD" in done.err
    assert "evil" not in done.err


def test_env_prints_a_guarded_name_when_it_is_named(host: Host) -> None:
    host.world.values["main", "/"] = {"A": b"1", "LD_PRELOAD": b"good.so", "B": b"\0"}
    done = env(host, "--only", "LD_PRELOAD", "--only", "A")
    assert (done.code, done.out) == (0, b"export LD_PRELOAD=good.so\nexport A=1\n")


def test_env_prints_nothing_when_the_broker_left_one_out(host: Host) -> None:
    host.world.values["main", "/"] = {"A": b"1"}
    host.world.read_findings = [finding("refused", "MASKED", "Infisical hides its value")]
    done = env(host)
    assert (done.code, done.out) == (1, b"")
    assert "MASKED: Infisical hides its value" in done.err


def test_env_passes_a_notice_on(host: Host) -> None:
    host.world.values["main", "/"] = {"A": b"1"}
    host.world.read_findings = [finding("notice", "A", "the later import wins")]
    done = env(host)
    assert (done.code, done.out) == (0, b"export A=1\n")
    assert "the later import wins" in done.err


def test_env_of_an_empty_folder_says_so(host: Host) -> None:
    host.world.values["main", "/"] = {}
    done = env(host)
    assert (done.code, done.out) == (0, b"")
    assert "holds no secrets" in done.err


@pytest.mark.parametrize(
    ("code", "exit_code"), [("absent", 1), ("unreachable", 5), ("limited", 5), ("unknown-name", 2)]
)
def test_env_has_the_exit_code_of_the_refusal(host: Host, code: str, exit_code: int) -> None:
    host.broker.answers[b.ReadSecrets] = lambda _: Refused(code=code, detail="why")
    done = env(host)
    assert (done.code, done.out, done.err) == (exit_code, b"", "psictl: why\n")


def test_a_hostile_key_of_a_broker_reaches_no_shell(host: Host) -> None:
    host.world.values["main", "/"] = {"A;touch /tmp/owned;": b"1"}
    done = env(host)
    assert (done.code, done.out) == (1, b"")


def test_write_file_writes_the_exact_bytes(host: Host) -> None:
    value = bytes(range(256)) * 1999
    host.world.values["main", "/"] = {"CERT": value}
    out = host.root / "cert.pem"
    done = write_file(host, "CERT", str(out))
    assert (done.code, done.out, done.err) == (0, b"", "")
    assert out.read_bytes() == value
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


@pytest.mark.parametrize("option", ["--path", "--secret-path"])
def test_write_file_decodes_base64_with_a_mode_from_a_path(host: Host, option: str) -> None:
    host.world.values["main", "/tls"] = {"KEY": base64.encodebytes(b"\0\xff" * 99)}
    out = host.root / "key"
    done = write_file(host, "KEY", str(out), option, "/tls", "--base64", "--mode", "0440")
    assert done.code == 0
    assert out.read_bytes() == b"\0\xff" * 99
    assert stat.S_IMODE(out.stat().st_mode) == 0o440


def test_write_file_leaves_the_old_file_where_the_value_is_no_base64(host: Host) -> None:
    host.world.values["main", "/"] = {"KEY": b"secret!"}
    out = host.root / "key"
    out.write_bytes(b"old")
    done = write_file(host, "KEY", str(out), "--base64")
    assert done.code == 1
    assert "secret!" not in done.err
    assert out.read_bytes() == b"old"


def test_write_file_refuses_a_link(host: Host) -> None:
    host.world.values["main", "/"] = {"KEY": b"1"}
    (host.root / "link").symlink_to("victim")
    done = write_file(host, "KEY", str(host.root / "link"))
    assert done.code == 2
    assert not (host.root / "victim").exists()


def test_write_file_of_an_absent_secret_writes_nothing(host: Host) -> None:
    host.world.values["main", "/"] = {"OTHER": b"1"}
    done = write_file(host, "KEY", str(host.root / "out"))
    assert done.code == 1
    assert not (host.root / "out").exists()
