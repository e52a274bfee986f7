"""Fixtures: installed hosts for a module; and what a failed test's report says of them."""

import os
from collections.abc import Generator, Iterator

import pytest

from tests.system.ability import SKIP_VARIABLE, lack, may_skip
from tests.system.host import JOURNAL_LINES, Host
from tests.system.installed import bare_host, installed_host
from tests.system.slot import Slot
from tests.system.suite import BOOKWORM, SUITES, TRIXIE, Suite

pytest.register_assert_rewrite("tests.system.walls")
"""Tests of two modules, which pytest does not know for such by their names."""


@pytest.fixture(scope="session", autouse=True)
def _able() -> None:
    """Fail every test here on a machine that cannot boot hosts, or skip it when told to."""
    found = lack()
    if found is None:
        Slot.sweep_all()
        return
    if may_skip(found, os.environ.get(SKIP_VARIABLE, "")):
        pytest.skip(f"{SKIP_VARIABLE}: {found.name}: {found.reason}")
    pytest.fail(
        f"the system tests cannot run here: {found.reason}\n"
        f"({SKIP_VARIABLE}={found.name} skips them)",
        pytrace=False,
    )


@pytest.fixture(scope="module")
def trixie() -> Iterator[Host]:
    """Boot a Debian 13 with PSI installed, not configured; it is the module's own."""
    with installed_host(TRIXIE) as host:
        yield host


@pytest.fixture(scope="module")
def bookworm() -> Iterator[Host]:
    """Boot a Debian 12 with PSI installed, not configured; it is the module's own."""
    with installed_host(BOOKWORM) as host:
        yield host


@pytest.fixture(scope="module", params=SUITES, ids=lambda suite: suite.name)
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """Boot both, one after the other: every test that takes this runs on each release."""
    suite: Suite = request.param
    with installed_host(suite) as host:
        yield host


@pytest.fixture(scope="module", params=SUITES, ids=lambda suite: suite.name)
def bare(request: pytest.FixtureRequest) -> Iterator[Host]:
    """Boot both, with nothing of PSI on them but the wheelhouse."""
    suite: Suite = request.param
    with bare_host(suite) as host:
        yield host


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the end of each running host's journal to the report of a failed test."""
    report = yield
    if report.failed:
        for running in Host.running:
            try:
                tail = running.journal(lines=JOURNAL_LINES)
            except AssertionError as error:
                tail = str(error)
            report.sections.append((f"journal of {running.suite.name}", tail))
    return report
