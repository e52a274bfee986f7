"""The load generator counts right, and no wrong reply passes for a good one."""

import time
from pathlib import Path

import pytest

from benchmarks.failure import BenchmarkError
from benchmarks.loadgen import LoadGenerator, Sample, write_ids
from tests.unit.benchmarks.tiny_server import Answer, reply, serving

VALUES = {"a1": b"first", "b2": b"the second \x00\xff value\r\n\r\n", "c3": b"3" * 300_000}
WAIT_SECONDS = 10


@pytest.fixture
def generator(folder: Path, program: Path) -> LoadGenerator:
    write_ids(folder / "ids", VALUES)
    return LoadGenerator(program, folder / "ids")


def right(secret_id: str) -> bytes:
    return reply(VALUES[secret_id])


def ask(generator: LoadGenerator, folder: Path, answer: Answer, count: int = 6) -> Sample:
    with serving(folder / "sock", answer):
        return generator.requests(folder / "sock", clients=2, count=count)


def test_counts_exactly_the_requests_it_made(generator: LoadGenerator, folder: Path) -> None:
    with serving(folder / "sock", right) as server:
        sample = generator.requests(folder / "sock", clients=4, count=50)
    assert (sample.requests, sample.errors, len(server.asked)) == (50, 0, 50)
    assert {line.split()[1] for line in server.asked} == {f"/lookup/{key}" for key in VALUES}


def test_percentiles_are_in_order_and_throughput_is_requests_over_seconds(
    generator: LoadGenerator, folder: Path
) -> None:
    sample = ask(generator, folder, right, count=40)
    assert 0 < sample.p50 <= sample.p99 <= sample.max
    assert sample.throughput == pytest.approx(sample.requests / sample.seconds, rel=0.01)
    assert sample.client_cpu > 0


def test_latency_is_the_time_until_the_reply_is_whole(
    generator: LoadGenerator, folder: Path
) -> None:
    delay = 0.02

    def late(secret_id: str) -> bytes:
        time.sleep(delay)
        return right(secret_id)

    assert ask(generator, folder, late).p50 >= delay * 1_000_000


def test_the_warm_up_is_not_counted(generator: LoadGenerator, folder: Path) -> None:
    with serving(folder / "sock", right) as server:
        sample = generator.for_seconds(folder / "sock", 2, 0.1, warmup=0.1)
    assert 0 < sample.requests < len(server.asked)
    assert sample.seconds >= 0.1


def test_silent_connections_stay_open_and_send_nothing(
    generator: LoadGenerator, folder: Path
) -> None:
    with serving(folder / "sock", right) as server:
        sample = generator.for_seconds(folder / "sock", 1, 0.05, stalled=3)
        deadline = time.monotonic() + WAIT_SECONDS
        while server.silent < 3 and time.monotonic() < deadline:
            time.sleep(0.005)
    assert (server.silent, sample.errors) == (3, 0)


def test_a_wrong_value_of_the_right_length_is_an_error(
    generator: LoadGenerator, folder: Path
) -> None:
    sample = ask(generator, folder, lambda key: reply(b"?" * len(VALUES[key])))
    assert (sample.requests, sample.errors, sample.wrong_value) == (6, 6, 6)


def test_one_wrong_byte_at_the_end_is_an_error(generator: LoadGenerator, folder: Path) -> None:
    sample = ask(generator, folder, lambda key: reply(VALUES[key][:-1] + b"?"))
    assert sample.wrong_value == sample.errors == 6


def test_another_ids_value_is_an_error(generator: LoadGenerator, folder: Path) -> None:
    sample = ask(generator, folder, lambda _: reply(VALUES["a1"]))
    assert (sample.wrong_value, sample.errors) == (4, 4)


def test_a_body_longer_than_it_claims_is_an_error(generator: LoadGenerator, folder: Path) -> None:
    sample = ask(generator, folder, lambda key: reply(VALUES[key] + b"x", len(VALUES[key])), 1)
    assert sample.wrong_value == sample.errors == 1


@pytest.mark.parametrize("kept", [0, 1, 10, -1])
def test_a_truncated_reply_is_an_error(generator: LoadGenerator, folder: Path, kept: int) -> None:
    sample = ask(generator, folder, lambda key: right(key)[:kept])
    assert (sample.requests, sample.errors) == (6, 6)
    assert sample.truncated + sample.transport == 6


def test_an_error_status_is_an_error(generator: LoadGenerator, folder: Path) -> None:
    sample = ask(generator, folder, lambda key: reply(VALUES[key], status="404 Not Found"))
    assert sample.bad_status == sample.errors == 6


def test_a_reply_without_a_length_is_an_error(generator: LoadGenerator, folder: Path) -> None:
    sample = ask(generator, folder, lambda key: b"HTTP/1.1 200 OK\r\n\r\n" + VALUES[key])
    assert sample.bad_status == sample.errors == 6


def test_a_content_length_in_the_body_does_not_count(
    generator: LoadGenerator, folder: Path
) -> None:
    sample = ask(generator, folder, lambda _: b"HTTP/1.1 200 OK\r\n\r\n\r\nContent-Length: 5\r\n")
    assert sample.bad_status == sample.errors == 6


def test_no_server_is_an_error_for_each_request(generator: LoadGenerator, folder: Path) -> None:
    sample = generator.requests(folder / "nobody", clients=2, count=5)
    assert (sample.requests, sample.transport, sample.errors) == (5, 5, 5)
    assert (sample.throughput, sample.p50) == (0, 0)


@pytest.mark.parametrize(
    ("text", "cause"),
    [("a1\n", "a line that is not 'ID HEX'"), ("a1 0g\n", "not lower-case hex"), ("", "empty")],
)
def test_a_file_of_ids_that_is_malformed_is_refused(
    folder: Path, program: Path, text: str, cause: str
) -> None:
    (folder / "ids").write_text(text)
    with pytest.raises(BenchmarkError, match=cause):
        LoadGenerator(program, folder / "ids").requests(folder / "sock", 1, 1)


def test_a_socket_path_that_is_too_long_is_refused(generator: LoadGenerator, folder: Path) -> None:
    with pytest.raises(BenchmarkError, match="too long"):
        generator.requests(folder / ("x" * 108), 1, 1)
