"""The yardstick answers right: a fast wrong answer would measure nothing."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import baseline, material
from benchmarks.child import Child
from benchmarks.loadgen import LoadGenerator, write_ids
from tests.unit.benchmarks.http_client import get

IDS = {f"{n:025x}": key for n, key in enumerate(material.values())}
FROZEN = "9bd3a320a12a3938d1d74b87946d07ad4d95da21355c68824cf9210ed4092c34"


@pytest.fixture
def socket(folder: Path) -> Iterator[Path]:
    material.write_mappings(folder / "state", IDS)
    material.write_values(folder / "values.json")
    path = folder / "sock"
    argv = [sys.executable, baseline.__file__, "--socket", str(path)]
    argv += ["--state", str(folder / "state"), "--values", str(folder / "values.json")]
    with Child("the baseline", argv, folder / "log") as child:
        assert child.ready() == {"ready": True, "http": str(path)}
        yield path


def test_every_id_gets_its_value_with_its_length(socket: Path) -> None:
    for secret_id, key in IDS.items():
        head, _, body = get(socket, f"/lookup/{secret_id}").partition(b"\r\n\r\n")
        value = material.values()[key]
        assert head.startswith(b"HTTP/1.0 200 ")
        assert f"Content-Length: {len(value)}".encode() in head.split(b"\r\n")
        assert body == value


def test_the_load_generator_finds_every_value_right(
    socket: Path, folder: Path, program: Path
) -> None:
    write_ids(folder / "ids", {secret_id: material.values()[key] for secret_id, key in IDS.items()})
    sample = LoadGenerator(program, folder / "ids").requests(socket, clients=4, count=200)
    assert (sample.requests, sample.errors) == (200, 0)


def test_the_load_generator_notices_a_value_that_changed(
    socket: Path, folder: Path, program: Path
) -> None:
    write_ids(folder / "ids", {next(iter(IDS)): b"another value"})
    sample = LoadGenerator(program, folder / "ids").requests(socket, clients=1, count=3)
    assert sample.wrong_value == 3


@pytest.mark.parametrize("path", ["/lookup/none", "/lookup/", "/lookup/..", "/else/x", "/"])
def test_what_it_does_not_know_is_404(socket: Path, path: str) -> None:
    assert get(socket, path).startswith(b"HTTP/1.0 404 ")


def test_it_reads_the_mapping_at_each_request(socket: Path, folder: Path) -> None:
    secret_id, other, *_ = IDS
    (folder / "state" / secret_id).write_bytes((folder / "state" / other).read_bytes())
    value = material.values()[IDS[other]]
    assert get(socket, f"/lookup/{secret_id}").endswith(b"\r\n\r\n" + value)


def test_it_logs_no_request(socket: Path, folder: Path) -> None:
    get(socket, f"/lookup/{next(iter(IDS))}")
    assert (folder / "log").read_text() == ""


def test_it_is_frozen() -> None:
    digest = hashlib.sha256(Path(baseline.__file__).read_bytes()).hexdigest()
    assert digest == FROZEN, "every goal is a ratio to this file: put it back as it was"


def test_missing_options_are_told() -> None:
    done = subprocess.run(
        [sys.executable, baseline.__file__], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--socket" in done.stderr


def test_mappings_have_the_form_that_the_broker_keeps(folder: Path) -> None:
    material.write_mappings(folder / "state", {"a1": "KEY_0"})
    mapping = json.loads((folder / "state" / "a1").read_bytes())
    assert mapping == {
        "provider": "infisical",
        "project": material.PROJECT,
        "path": material.FOLDER,
        "key": "KEY_0",
    }
