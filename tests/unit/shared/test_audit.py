"""The audit stream: what is a line, what is summed up, and whose word a field is."""

import io

import pytest

from psi.shared.audit import Audit, AuditEvent

ID = "a" * 25
HOUR = 3600.0


class Stage:
    """An audit on a clock that the test moves."""

    def __init__(self, *, full: bool = False) -> None:
        self.now = 1000.0
        self.stream = io.StringIO()
        self.audit = Audit(
            full=full, interval_seconds=HOUR, stream=self.stream, clock=lambda: self.now
        )

    def grant(self, source: str = "cached", secret_id: str = ID) -> None:
        self.audit.granted(secret_id, source, 0, 42)

    def lines(self) -> list[str]:
        """Return the lines written since the last call, without their prefix."""
        text = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        assert text == "" or text.endswith("\n")
        assert all(line.startswith("<5>psi-audit: ") for line in text.splitlines())
        return [line.removeprefix("<5>psi-audit: ") for line in text.splitlines()]


CACHED = f"secret-granted id={ID} source=cached claimed_uid=0 claimed_pid=42"
LIVE = CACHED.replace("cached", "live")


def _summary(grants: int, secret_id: str = ID) -> str:
    return f"secret-granted-summary id={secret_id} source=cached grants={grants}"


def test_the_first_cached_grant_is_a_line() -> None:
    stage = Stage()
    stage.grant()
    assert stage.lines() == [CACHED]


def test_further_cached_grants_within_the_hour_are_counted() -> None:
    stage = Stage()
    for _ in range(5):
        stage.grant()
    assert stage.lines() == [CACHED]
    stage.audit.flush()
    assert stage.lines() == [_summary(4)]


def test_after_the_hour_comes_the_summary_and_a_line() -> None:
    stage = Stage()
    for _ in range(3):
        stage.grant()
    stage.now += HOUR
    stage.grant()
    assert stage.lines() == [CACHED, _summary(2), CACHED]


def test_just_within_the_hour_is_no_line() -> None:
    stage = Stage()
    stage.grant()
    stage.now += HOUR - 0.001
    stage.grant()
    assert stage.lines() == [CACHED]


def test_every_live_grant_is_a_line() -> None:
    stage = Stage()
    for _ in range(3):
        stage.grant("live")
    assert stage.lines() == [LIVE] * 3


def test_a_live_grant_does_not_hide_the_first_cached_one() -> None:
    stage = Stage()
    stage.grant("live")
    stage.grant()
    assert stage.lines() == [LIVE, CACHED]


def test_each_secret_counts_by_itself() -> None:
    stage = Stage()
    other = "b" * 25
    for secret_id in (ID, other, ID, other, ID):
        stage.grant(secret_id=secret_id)
    assert len(stage.lines()) == 2
    stage.audit.flush()
    assert sorted(stage.lines()) == [_summary(2), _summary(1, other)]


def test_full_writes_every_grant() -> None:
    stage = Stage(full=True)
    for _ in range(3):
        stage.grant()
    assert stage.lines() == [CACHED] * 3
    stage.audit.flush()
    assert stage.lines() == []


def test_flushing_twice_sums_up_once() -> None:
    stage = Stage()
    stage.grant()
    stage.grant()
    stage.audit.flush()
    stage.audit.flush()
    assert stage.lines() == [CACHED, _summary(1)]


def test_a_forgotten_id_is_summed_up_and_begins_anew() -> None:
    stage = Stage()
    stage.grant()
    stage.grant()
    stage.audit.forget(ID)
    stage.grant()
    assert stage.lines() == [CACHED, _summary(1), CACHED]


def test_an_unknown_id_is_forgotten_without_a_word() -> None:
    stage = Stage()
    stage.audit.forget(ID)
    assert stage.lines() == []


def test_a_denial_is_a_line() -> None:
    stage = Stage()
    stage.audit.record(AuditEvent.DENIED, id=ID, code="forbidden", claimed_uid=0, claimed_pid=42)
    assert stage.lines() == [f"secret-denied id={ID} code=forbidden claimed_uid=0 claimed_pid=42"]


@pytest.mark.parametrize("event", AuditEvent)
def test_an_event_is_named_as_it_is_enumerated(event: AuditEvent) -> None:
    stage = Stage()
    stage.audit.record(event, field="x")
    assert stage.lines() == [f"{event.value} field=x"]


@pytest.mark.parametrize(
    ("hostile", "quoted"),
    [
        ("a\n<5>psi-audit: secret-granted", '"a?<5>psi-audit: secret-granted"'),
        ("x id=forged", '"x id=forged"'),
        ('"', r'"\""'),
        ("\x1b[2J", "?[2J"),
        ("", '""'),
    ],
)
def test_a_hostile_field_forges_nothing(hostile: str, quoted: str) -> None:
    stage = Stage()
    stage.audit.record(AuditEvent.STORED, coordinate=hostile)
    assert stage.lines() == [f"mapping-stored coordinate={quoted}"]
