"""Named credentials: written whole and private, encrypted by systemd-creds, never shown."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psi.shared.secret import SecretBytes
from psictl import systemd_creds
from psictl.apply import apply
from psictl.credentials import CredentialStore
from psictl.layout import Layout
from psictl.systemd_creds import encrypt
from tests.fakes.devices.emulator import need
from tests.fakes.systemd.manager import FakeSystemd

CANARY = "canary-5d1f"
NAMED = """\
providers:
  infisical:
    auth: {method: universal-auth, client_id: i, client_secret_credential: shop}
"""
SECONDS = 60
Psictl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return Layout(tmp_path_factory.mktemp("r"))


@pytest.fixture
def store(layout: Layout) -> CredentialStore:
    return CredentialStore(layout)


@pytest.fixture
def psictl(layout: Layout) -> Psictl:
    """Return a function that runs ``psictl --root … credential``."""

    def run(*arguments: str, value: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "psictl", "--root", str(layout.root), "credential"]
        return subprocess.run(
            [*command, *arguments],
            input=value, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip  # what it is given, then how it runs

    return run


@pytest.fixture
def in_force(layout: Layout, tmp_path: Path) -> Callable[[], object]:
    """Return a function that applies NAMED on a host that has the credential."""
    config = tmp_path / "config.yaml"
    config.write_text(NAMED)
    return lambda: apply(config, layout, manager=FakeSystemd(layout.root))


def test_a_credential_is_kept_and_not_shown(psictl: Psictl, layout: Layout) -> None:
    done = psictl("set", "shop", value=CANARY)
    assert done.returncode == 0, done.stderr
    path = layout.credstore / "shop"
    assert path.read_text() == CANARY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "psictl dev reads it in clear" in done.stderr
    assert f"{path}: written; name it in the configuration" in done.stdout
    assert CANARY not in done.stdout + done.stderr


def test_it_says_which_service_to_restart(
    layout: Layout, psictl: Psictl, in_force: Callable[[], object]
) -> None:
    psictl("set", "shop", value="one")
    in_force()
    told = json.loads(psictl("set", "shop", "--json", value="two").stdout)
    assert (told["unit"], told["encrypted"]) == ("psi-broker.service", False)
    assert (layout.credstore / "shop").read_text() == "two"


def test_one_that_is_loaded_from_elsewhere_needs_an_apply(
    store: CredentialStore, in_force: Callable[[], object]
) -> None:
    store.write("shop", b"in clear", encrypted=False)
    in_force()
    written = store.write("shop", b"encrypted", encrypted=True)
    assert (written.unit, written.loaded) == ("psi-broker.service", False)
    assert [each.loaded for each in store.find("shop")] == [False, True]
    in_force()
    assert [each.loaded for each in store.find("shop")] == [True, False]


@pytest.mark.parametrize("name", ["config.json", "limits.json", "host-secret", "../x", "", ".x"])
def test_a_name_that_is_no_persons_is_refused(psictl: Psictl, layout: Layout, name: str) -> None:
    done = psictl("set", "--", name, value=CANARY)
    assert done.returncode == 2
    assert list(layout.root.rglob("*")) == []


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "nothing was given"),
        ("\n", "nothing but a newline"),
        ("a\0b", "has a NUL byte"),
        ("x" * 65_537, "longer than 65536 bytes"),
    ],
)
def test_a_value_that_is_none_is_refused(
    psictl: Psictl, layout: Layout, value: str, told: str
) -> None:
    done = psictl("set", "shop", value=value)
    assert (done.returncode, told in done.stderr) == (2, True)
    assert list(layout.root.rglob("*")) == []
    assert psictl("set", "shop", value="x" * 65_536).returncode == 0


def test_a_key_that_systemd_creds_has_not_is_refused(psictl: Psictl) -> None:
    done = psictl("set", "shop", "--with-key", "null", value=CANARY)
    assert done.returncode == 2
    assert "--with-key takes one of auto, host, tpm2, host+tpm2" in done.stderr


def test_one_in_clear_beside_an_encrypted_would_not_count(
    psictl: Psictl, store: CredentialStore
) -> None:
    store.write("shop", b"encrypted", encrypted=True)
    done = psictl("set", "shop", "--plain", value=CANARY)
    assert done.returncode == 2
    assert "that one counts" in done.stderr
    assert [each.encrypted for each in store.find("shop")] == [True]


def test_the_list_shows_names_and_who_has_them(
    psictl: Psictl, store: CredentialStore, in_force: Callable[[], object]
) -> None:
    store.write("shop", CANARY.encode(), encrypted=True)
    store.write("other", CANARY.encode(), encrypted=False)
    in_force()
    rows = [line.split() for line in psictl("list").stdout.splitlines()]
    assert rows == [
        ["NAME", "KEPT", "GIVEN", "TO"],
        ["shop", "encrypted", "psi-broker.service"],
        ["other", "in", "clear", "-"],
    ]
    told = json.loads(psictl("list", "--json").stdout)
    assert [(each["name"], each["unit"]) for each in told["credentials"]] == [
        ("shop", "psi-broker.service"),
        ("other", None),
    ]


def test_what_a_service_needs_is_not_removed_without_force(
    psictl: Psictl, store: CredentialStore, in_force: Callable[[], object]
) -> None:
    store.write("shop", b"x", encrypted=True)
    in_force()
    store.write("shop", b"x", encrypted=False)
    refused = psictl("remove", "shop")
    assert refused.returncode == 2
    assert "psi-broker.service cannot start without" in refused.stderr
    assert len(store.find("shop")) == 2
    assert psictl("remove", "--plain", "shop").returncode == 0
    assert [each.encrypted for each in store.find("shop")] == [True]
    assert psictl("remove", "--force", "shop").returncode == 0
    assert store.find("shop") == []


def test_what_is_not_there_is_not_removed(psictl: Psictl) -> None:
    done = psictl("remove", "shop")
    assert done.returncode == 2
    assert "there is no credential shop" in done.stderr


def test_a_folder_that_others_may_look_into_is_refused(psictl: Psictl, layout: Layout) -> None:
    layout.credstore.mkdir(parents=True)
    layout.credstore.chmod(0o755)
    done = psictl("set", "shop", value=CANARY)
    assert done.returncode == 1
    assert "is open to others" in done.stderr
    assert list(layout.credstore.iterdir()) == []


def test_the_real_program_encrypts_for_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("systemd", "systemd", "systemd-creds")
    monkeypatch.setenv("SYSTEMD_CREDENTIAL_SECRET", str(tmp_path / "secret"))
    file = tmp_path / "shop"
    file.write_bytes(encrypt("shop", SecretBytes(CANARY.encode()), "host").content)
    assert CANARY.encode() not in file.read_bytes()
    assert _decrypted(file, "shop") == CANARY.encode()
    assert _decrypted(file, "other") is None


def _decrypted(file: Path, name: str) -> bytes | None:
    command = ["systemd-creds", "decrypt", f"--name={name}", str(file), "-"]
    done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    return done.stdout if done.returncode == 0 else None


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that puts a systemd-creds of ours in the PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def run(text: str) -> Path:
        script = tmp_path / "systemd-creds"
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
        return tmp_path

    return run


def test_the_value_is_in_no_argument_and_no_environment(program: Callable[[str], Path]) -> None:
    folder = program(
        'tr "\\0" " " < /proc/$$/cmdline > "$0.a"; env >> "$0.a"; cat > "$0.v"; echo x'
    )
    made = encrypt("shop", SecretBytes(CANARY.encode()), "auto")
    assert made.content == b"x\n"
    assert (folder / "systemd-creds.v").read_text() == CANARY
    seen = (folder / "systemd-creds.a").read_text()
    assert "encrypt --name=shop --with-key=auto --tpm2-pcrs= - -" in seen
    assert CANARY not in seen


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ('cat >/dev/null; printf "No\\033[31m TPM" >&2; exit 1', r"failed: No\?\[31m TPM; try ano"),
        ("cat >/dev/null", "systemd-creds failed"),
        ("exec sleep 60", "took more than"),
    ],
)
def test_a_program_that_fails_is_told_with_a_way_out(
    program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, script: str, told: str
) -> None:
    program(script)
    monkeypatch.setattr(systemd_creds, "_SECONDS", 1)
    with pytest.raises(PsiError, match=told) as caught:
        encrypt("shop", SecretBytes(CANARY.encode()), "auto")
    assert "--plain" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_a_missing_program_is_told_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PsiError, match="does not run: No such file or directory; install it"):
        encrypt("shop", SecretBytes(CANARY.encode()), "auto")


def test_a_full_disk_leaves_the_old_one(
    store: CredentialStore, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("shop", b"old", encrypted=False)

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PsiError, match="No space left"):
        store.write("shop", b"new", encrypted=False)
    assert [path.name for path in layout.credstore.iterdir()] == ["shop"]
    assert (layout.credstore / "shop").read_bytes() == b"old"
