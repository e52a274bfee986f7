"""PSI in the guest: configured, started and asked, as a person would, with the real TPM."""

import json
import re
import subprocess
import urllib.request
from pathlib import Path
from typing import Any, Final

from tests.fakes.infisical.seed import (
    EXAMPLE,
    EXAMPLE_CLIENT_ID,
    EXAMPLE_CLIENT_SECRET,
    EXAMPLE_PROJECT_ID,
)
from tests.system.qemu.guest.commands import is_active, run, show, wait
from tests.system.qemu.guest.lookups import lookup, store

CONFIG: Final = Path("/etc/psi/config.yaml")
CACHE_FILE: Final = Path("/var/lib/psi/cache.enc")
CREDENTIAL: Final = "infisical-client-secret"
STAND_IN_PORT: Final = 8200
STAND_IN_PYTHON: Final = "/usr/lib/psi/current/broker/bin/python3"
"""It has the library of cryptography, which the stand-in needs."""
SECRET_ID: Final = "0123456789abcdef012345678"
MAPPING: Final = {
    "provider": "infisical",
    "project": "myproject",
    "path": "/myapp",
    "key": "DB_PASSWORD",
}
SERVICES: Final = ("frontend", "broker", "sealer", "pki")
_CONFIG_TEXT: Final = f"""\
providers:
  infisical:
    api_url: http://127.0.0.1:{STAND_IN_PORT}
    projects:
      myproject:
        id: {EXAMPLE_PROJECT_ID}
        environment: prod
        auth:
          method: universal-auth
          client_id: {EXAMPLE_CLIENT_ID}
          client_secret_credential: {CREDENTIAL}
cache: {{backend: tpm}}
sealer: {{tpm: {{pcrs: [7]}}}}
workloads:
  myapp:
    secrets: [{{project: myproject, path: /myapp}}]
"""


class StandIn:
    """An Infisical in the guest, until ``stop``."""

    def __init__(self, folder: Path) -> None:
        seed = EXAMPLE.write(folder / "seed.json")
        self._process = subprocess.Popen(
            [
                STAND_IN_PYTHON, "-m", "tests.fakes.infisical",
                "--port", str(STAND_IN_PORT), "--seed", str(seed),
            ],
            stdout=subprocess.PIPE,
        )  # fmt: skip  # one command line

    def wait_ready(self) -> None:
        """Return when it listens."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), "the stand-in did not start"

    def logins(self) -> int:
        """Return how many logins it was asked for."""
        url = f"http://127.0.0.1:{STAND_IN_PORT}/__control__/requests"
        with urllib.request.urlopen(url) as answer:
            requests = json.loads(answer.read())["requests"]
        return sum("universal-auth/login" in request["path"] for request in requests)

    def stop(self) -> None:
        """End it: an outage."""
        self._process.terminate()
        self._process.wait()


def keep_credential() -> dict[str, Any]:
    """Seal the client secret by systemd-creds with the TPM, and try to open it with and without."""
    argv = ["psictl", "credential", "set", "--with-key=host+tpm2", CREDENTIAL]
    done = run(argv, EXAMPLE_CLIENT_SECRET)
    path = Path("/etc/credstore.encrypted") / CREDENTIAL
    return {
        "told": done.stdout + done.stderr,
        "mode": oct(path.stat().st_mode & 0o777),
        "in_clear": EXAMPLE_CLIENT_SECRET in path.read_text(),
        "opened": _decrypt(path) == EXAMPLE_CLIENT_SECRET,
        "opened_without_tpm": _decrypt(path, "mount --bind /dev/null /dev/tpmrm0") is not None,
    }


def _decrypt(path: Path, before: str = ":") -> str | None:
    """Return what is in a credential, None where it does not open."""
    script = f"{before}; exec systemd-creds decrypt --name={path.name} {path} -"
    done = run(["unshare", "--mount", "/bin/sh", "-euc", script], check=False)
    return done.stdout if done.returncode == 0 else None


def apply() -> dict[str, Any]:
    """Put the configuration in force and return what it derived for systemd."""
    CONFIG.parent.mkdir(mode=0o700, exist_ok=True)
    CONFIG.write_text(_CONFIG_TEXT)
    CONFIG.chmod(0o600)
    done = run(["psictl", "apply"])
    return {
        "told": done.stdout + done.stderr,
        "sealer": show("psi-sealer.service", "DeviceAllow", "BindPaths", "SupplementaryGroups"),
        "broker": show("psi-broker.service", "DeviceAllow", "BindPaths", "SupplementaryGroups"),
    }


def start() -> dict[str, Any]:
    """Enable and start it all."""
    run(["systemctl", "enable", "--now", "psi.target"])
    wait(lambda: all(is_active(f"psi-{name}.service") for name in SERVICES), "all services")
    return {name: _kernel_view(name) for name in SERVICES}


def _kernel_view(process: str) -> dict[str, str]:
    """Return what the kernel holds a running service to."""
    told = show(f"psi-{process}.service", "MainPID", "MemoryDenyWriteExecute")
    status = Path(f"/proc/{told['MainPID']}/status").read_text()
    found = dict(re.findall(r"^(Seccomp|NoNewPrivs|CapEff|CapBnd):\s*(\w+)$", status, re.MULTILINE))
    return found | {"MemoryDenyWriteExecute": told["MemoryDenyWriteExecute"]}


def provision() -> dict[str, Any]:
    """Make the key, wrapped by the TPM."""
    made = run(["psictl", "cache", "init", "--no-recovery"])
    return {"told": made.stdout + made.stderr}


def fill(infisical: StandIn) -> dict[str, Any]:
    """Register a secret, read it live, and wait until it lies sealed on disk."""
    stored = store(SECRET_ID, MAPPING)
    found = lookup(SECRET_ID)
    wait(CACHE_FILE.exists, "a cache file")
    sealed = CACHE_FILE.read_bytes()
    value = found["value"].encode()
    return {
        "stored": stored,
        "lookup": found,
        "logins": infisical.logins(),
        "bytes": len(sealed),
        "in_clear": bool(value) and value in sealed,
    }


def restart() -> dict[str, Any]:
    """Start sealer and broker anew, and return what is answered then."""
    run(["systemctl", "restart", "psi-sealer.service", "psi-broker.service"])
    return {"lookup": lookup(SECRET_ID)} | cache_status("--verify")


def cache_status(*options: str) -> dict[str, Any]:
    """Return ``psictl cache status``; it exits with 3 where something is wrong."""
    done = run(["psictl", "cache", "status", "--json", *options], check=False)
    assert done.returncode in {0, 3}, done.stderr
    return {"cache": json.loads(done.stdout)}


def exposures() -> dict[str, Any]:
    """Return what ``systemd-analyze security`` says of each running service."""
    found = {}
    for process in SERVICES:
        told = run(["systemd-analyze", "security", "--no-pager", f"psi-{process}.service"]).stdout
        level = re.search(r"exposure level for \S+: ([0-9.]+)", told)
        found[process] = float(level[1]) if level else None
    return found


def failed_units() -> list[str]:
    """Return the units in a failed state."""
    listed = run(["systemctl", "list-units", "--failed", "--output=json"]).stdout
    return [str(unit["unit"]) for unit in json.loads(listed)]
