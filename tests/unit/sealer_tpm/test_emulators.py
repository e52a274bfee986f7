"""A missing emulator fails a test with what to install; only by name is it done without."""

import pytest

from tests.fakes.devices.emulator import need


@pytest.mark.parametrize("without", ["", "softhsm", "swtpm-not"])
def test_a_missing_program_fails(monkeypatch: pytest.MonkeyPatch, without: str) -> None:
    monkeypatch.setenv("PSI_TESTS_WITHOUT", without)
    with pytest.raises(pytest.fail.Exception) as raised:
        need("swtpm", "some-package", "no-such-program")
    assert "apt-get install some-package" in str(raised.value)


def test_a_missing_program_is_done_without_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSI_TESTS_WITHOUT", "podman,swtpm")
    with pytest.raises(pytest.skip.Exception):
        need("swtpm", "some-package", "no-such-program")


def test_a_program_that_is_there_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSI_TESTS_WITHOUT", "swtpm")
    need("swtpm", "some-package", "sh", "/bin/sh")
