"""What keeps a service from starting: one line with cause and remedy, exit code 2, no traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from psi.broker.config import credentials_folder, load_projection, read_credential
from psi.shared.errors import ConfigError
from psi.shared.projection import BrokerProjection, encode_projection
from tests.fakes.launcher import ServiceProcess, listening
from tests.unit.broker.chain import projection

Change = Callable[[Path, ServiceProcess], None]


def broker(root: Path, given: BrokerProjection | None, limits: dict[str, float]) -> ServiceProcess:
    """Return a broker that is not started; its sockets live as long as it does."""
    sockets = {name: listening(root / name) for name in ("frontend", "pki", "ctl")}
    return ServiceProcess("broker", root, sockets, projection=given, limits=limits)


def ended(service: ServiceProcess) -> tuple[int, str]:
    """Run a service that ends by itself; return its exit code and what it wrote."""
    service.process = service._spawn(service.root / "nobody.notify")
    code = service.process.wait(20)
    for listener in service.sockets.values():
        listener.close()
    return code, service.text()


FAULTS: dict[str, tuple[BrokerProjection | None, dict[str, float], str]] = {
    "no projection": (None, {}, "credential config.json: No such file or directory"),
    "no state folder": (
        projection("http://127.0.0.1:1", Path("/nonexistent")), {},
        "state folder /nonexistent: No such file or directory",
    ),
    "an unknown limit": (
        projection("http://127.0.0.1:1", Path("/tmp")), {"nope": 1},  # noqa: S108  # not reached
        "limits.json: Object contains unknown field `nope`",
    ),
}  # fmt: skip  # a table


@pytest.mark.parametrize(("given", "limits", "cause"), FAULTS.values(), ids=FAULTS.keys())
def test_the_broker_does_not_start_and_says_why(
    tmp_path_factory: pytest.TempPathFactory,
    given: BrokerProjection | None,
    limits: dict[str, float],
    cause: str,
) -> None:
    code, log = ended(broker(tmp_path_factory.mktemp("s"), given, limits))
    assert code == 2
    assert cause in log
    assert "Traceback" not in log


def test_a_projection_of_another_version_is_refused_by_its_field(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("s")
    service = broker(root, projection("http://x", root), {})
    path = service.credentials / "config.json"
    path.write_bytes(path.read_bytes().replace(b'"memory"', b'"tpm-of-2030"'))
    code, log = ended(service)
    assert code == 2
    assert "$.cache" in log
    assert "run psictl apply of the same version" in log


@pytest.mark.parametrize("name", ["frontend", "broker", "pki"])
def test_without_its_sockets_a_service_does_not_start(tmp_path: Path, name: str) -> None:
    (tmp_path / "config.json").write_bytes(encode_projection(projection("http://x", tmp_path)))
    environment = {"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": str(tmp_path)}
    environment["PSI_DEV_PEER_UID"] = "0"
    command = [sys.executable, "-m", f"psi.{name}"]
    run = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert run.returncode == 2
    assert b"no listening sockets were passed" in run.stderr
    assert b"Traceback" not in run.stderr


def test_a_socket_of_another_name_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("s")
    code, log = ended(ServiceProcess("frontend", root, {"other": listening(root / "a")}))
    assert code == 2
    assert "expected the sockets http, got other" in log


def test_outside_of_systemd_the_broker_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(ConfigError, match="start the broker by systemd or psictl dev"):
        credentials_folder()


def test_a_projection_is_read_from_its_credential(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(encode_projection(projection("http://x", tmp_path)))
    assert load_projection(tmp_path).infisical.api_url == "http://x"


@pytest.mark.parametrize("content", [b"secret", b"secret\n"])
def test_a_credential_is_read_without_its_final_newline(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "name").write_bytes(content)
    assert read_credential(tmp_path, "name").reveal() == b"secret"


def test_only_one_newline_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "name").write_bytes(b"secret\n\n")
    assert read_credential(tmp_path, "name").reveal() == b"secret\n"


@pytest.mark.parametrize("name", ["missing", "../name", "/etc/passwd", ""])
def test_a_credential_that_is_not_there_or_no_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "name").write_bytes(b"secret")
    with pytest.raises(ConfigError):
        read_credential(tmp_path / "folder", name)
