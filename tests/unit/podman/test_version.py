"""Podman's version numbers."""

import pytest

from psictl.podman.errors import PodmanError
from psictl.podman.version import Version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("4.3.1", (4, 3, 1)),
        ("5.4.2\n", (5, 4, 2)),
        ("5.0.0-rc1", (5, 0, 0)),
        ("6.0.0-dev", (6, 0, 0)),
        ("5.4", (5, 4, 0)),
        ("4.9.4-rhel", (4, 9, 4)),
    ],
)
def test_versions_are_read(text: str, version: tuple[int, int, int]) -> None:
    assert Version.parse(text) == version


@pytest.mark.parametrize("text", ["", "five", "5", "5.4.2 or so", "5.4.2\nX", "99999.1.1", "-5.4"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(PodmanError, match="no version number"):
        Version.parse(text)


def test_versions_compare_by_number() -> None:
    assert Version(4, 10) > Version(4, 9, 4)
    assert str(Version(5, 0)) == "5.0.0"
