"""curl's own Expect: 100-continue, by a real curl."""

import subprocess
from pathlib import Path

import pytest

from psi.shared.messages.broker import StoreMapping
from tests.unit.frontend.rig import ID, Rig


@pytest.mark.parametrize("size", [1, 16_384])
def test_curl_that_awaits_the_interim_reply_stores(rig: Rig, tmp_path: Path, size: int) -> None:
    (tmp_path / "body").write_bytes(b"x" * size)
    ended = subprocess.run(
        ["curl", "-q", "-sS", "-f", "--max-time", "20", "--expect100-timeout", "15",
         "-H", "Expect: 100-continue", "--unix-socket", str(rig.http),
         "--data-binary", f"@{tmp_path / 'body'}", "-w", "%{time_total}",
         f"http://localhost/store/{ID}"],
        capture_output=True, check=False,
    )  # fmt: skip  # a command line
    assert ended.returncode == 0, ended.stderr
    assert float(ended.stdout) < 10, "it waited in vain"
    stored = rig.stub.requests[-1]
    assert isinstance(stored, StoreMapping)
    assert stored.mapping == b"x" * size
