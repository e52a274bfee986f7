"""Random and hostile heads: understood or refused, in time linear in their length."""

import contextlib
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from psi.frontend.head import BadRequest, Route, parse_head
from psi.shared.limits import BODY_BYTES, HEAD_BYTES

ID = "0123456789abcdef012345678"
LINE = f"POST /store/{ID} HTTP/1.1\r\n".encode()
LOOKUP = f"GET /lookup/{ID} HTTP/1.1\r\n".encode()
"""It has a shorter way through the grammar."""
SECONDS = 0.05
"""For 8 KiB: a linear parse takes 0.1 ms, a quadratic one took 134 ms."""

methods = st.sampled_from(["GET", "POST", "DELETE", "HEAD", "get", ""])
targets = st.sampled_from(
    [f"/lookup/{ID}", f"/store/{ID}", f"/delete/{ID}", "/list", "/healthz", "/metrics", "/x", "*"]
)
versions = st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/2", "HTTP/0.9", ""])
names = st.sampled_from(["Content-Length", "Expect", "Transfer-Encoding", "Host", "X", "", "a b"])
letters = st.text(st.characters(max_codepoint=255), max_size=12)
values = st.one_of(letters, st.integers(-2, 30_000).map(str), st.just("100-continue"))
fields = st.tuples(names, st.sampled_from([": ", ":", " : ", ""]), values).map("".join)
ends = st.sampled_from(["\r\n", "\r\n", "\r\n", "\n", "\r", ""])
heads = st.builds(
    lambda method, target, version, lines, end: (
        end.join([f"{method} {target} {version}", *lines]) + end + end
    ).encode("latin-1"),
    methods, targets, versions, st.lists(fields, max_size=5), ends,
)  # fmt: skip  # the parts in their order


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        heads,
        st.binary(max_size=300),
        st.binary(max_size=200).map(LINE.__add__),
        st.binary(max_size=200).map(LOOKUP.__add__),
    )
)
@example(b"")
@example(b"\r\n\r\n")
@example(LINE + b"\r\n")
def test_a_head_is_understood_or_refused_with_a_reason(data: bytes) -> None:
    try:
        parsed = parse_head(data)
    except BadRequest as error:
        reason = str(error)
        assert 1 <= len(reason) <= 200
        assert reason.isascii()
        assert reason.isprintable()
    else:
        assert 0 <= parsed.body_bytes <= BODY_BYTES
        assert parsed.body_bytes == 0 or parsed.route is Route.STORE
        assert len(parsed.secret_id) in {0, 25}


@settings(max_examples=300, deadline=None)
@given(st.lists(fields, max_size=5))
def test_a_lookups_fields_are_judged_as_those_of_a_store(lines: list[str]) -> None:
    rest = "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")
    try:
        store = parse_head(LINE + rest)
    except BadRequest:
        with pytest.raises(BadRequest):
            parse_head(LOOKUP + rest)
        return
    if store.body_bytes:
        with pytest.raises(BadRequest):
            parse_head(LOOKUP + rest)
    else:
        assert parse_head(LOOKUP + rest).expects_continue is store.expects_continue


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_whatever_is_understood_stands_in_the_head_itself(noise: bytes) -> None:
    data = LINE + b"X: " + noise + b"\r\n\r\n"
    with contextlib.suppress(BadRequest):
        assert parse_head(data).secret_id == ID


FILLS = {
    "blanks inside an expectation": (b"Expect: x", b" ", b"x"),
    "blanks inside a length": (b"Content-Length: 1", b" ", b"x"),
    "blanks behind a length": (b"Content-Length: 1", b"\t ", b""),
    "one long name": (b"", b"a", b""),
    "one long name that is cut by NUL": (b"", b"a", b"\0: x"),
    "one long value": (b"X: ", b"a", b""),
    "one long value that is cut by NUL": (b"X: ", b"a", b"\0"),
    "many fields": (b"", b"a:\r\n", b"a:"),
    "many fields, the last one broken": (b"", b"a:\r\n", b"a"),
    "many fields that matter": (b"", b"Expect:\r\n", b"a:"),
    "many colons": (b"", b":", b""),
    "many carriage returns": (b"X: ", b"\r", b""),
    "many line feeds": (b"X: ", b"\n", b""),
    "name and colon by turns": (b"", b"a:a", b"\0"),
}


@pytest.mark.parametrize("line", [LINE, LOOKUP], ids=["store", "lookup"])
@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS.keys())
def test_a_hostile_head_costs_linear_time(line: bytes, fill: tuple[bytes, bytes, bytes]) -> None:
    before, middle, after = fill
    room = HEAD_BYTES - len(line) - len(before) - len(after) - 4
    assert _seconds(line + before + middle * (room // len(middle)) + after + b"\r\n\r\n") < SECONDS


@pytest.mark.parametrize("letter", [b"/", b" ", b"a", b"%", b"\0", b"\r", b"\n", b"\xff"])
def test_a_hostile_request_line_costs_linear_time(letter: bytes) -> None:
    assert _seconds(b"GET /" + letter * (HEAD_BYTES - 9) + b"\r\n\r\n") < SECONDS


def _seconds(data: bytes) -> float:
    """Return the processor's time for one parse: the best of three, for the machine is shared."""
    times = []
    for _ in range(3):
        begin = time.thread_time()
        with contextlib.suppress(BadRequest):
            parse_head(data)
        times.append(time.thread_time() - begin)
    return min(times)
