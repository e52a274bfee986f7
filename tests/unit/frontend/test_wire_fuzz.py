"""Random bytes on psi.sock: one reply that curl cannot misread; none to an unfinished request."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.frontend.exchange import answer_of, look_up, request, send
from tests.unit.frontend.rig import ID, VALUE, Rig
from tests.unit.frontend.test_head_fuzz import heads

GOOD = [
    request("GET", f"/lookup/{ID}"),
    request("POST", f"/store/{ID}", b'{"key": "K"}'),
    request("DELETE", f"/delete/{ID}"),
    request("GET", "/list"),
    request("GET", "/metrics"),
]
mutations = st.builds(
    lambda data, at, noise: data[: at % len(data)] + noise + data[at % len(data) + len(noise) :],
    st.sampled_from(GOOD),
    st.integers(0, 1000),
    st.binary(max_size=4),
)
bodies = st.builds(lambda head, body: head + body, heads, st.binary(max_size=40))
ON_THE_WIRE = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@ON_THE_WIRE
@given(data=st.one_of(st.binary(max_size=400), mutations, heads, bodies))
def test_whatever_is_sent_gets_one_reply_or_none(rig: Rig, data: bytes) -> None:
    reply = send(rig.http, data, half_close=True)
    if reply.startswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
        reply = reply.partition(b"\r\n\r\n")[2]
    if reply:
        answer = answer_of(reply)
        assert answer.status in {200, 400}
        if answer.status == 400:
            assert 1 <= len(answer.reason) <= 200
            assert answer.reason.isascii()
            assert answer.reason.isprintable()


@ON_THE_WIRE
@given(at=st.integers(1, 1000), noise=st.binary(min_size=1, max_size=4))
def test_a_changed_request_never_gets_another_value(rig: Rig, at: int, noise: bytes) -> None:
    data = GOOD[0]
    position = at % len(data)
    reply = send(rig.http, data[:position] + noise + data[position + 1 :], half_close=True)
    if reply:
        answer = answer_of(reply)
        assert answer.status == 400 or len(answer.body) == len(VALUE)


def test_after_all_that_lookups_are_answered(rig: Rig) -> None:
    assert look_up(rig.http, ID).body == VALUE
    assert "Traceback" not in rig.frontend.text()
    assert "fault" not in rig.frontend.text()
