"""What a Podman version can do for units (r18)."""

import pytest

from psi.shared.errors import ConfigError
from psictl.podman.version import Version
from psictl.quadlet.support import check_workload, reads_dropins, without_dropins


@pytest.mark.parametrize("version", [Version(5, 0), Version(5, 4, 2), Version(6, 0)])
def test_podman_5_reads_dropins_and_takes_templates(version: Version) -> None:
    assert reads_dropins(version)
    check_workload(version, "worker@")


@pytest.mark.parametrize("version", [Version(4, 3, 1), Version(4, 9, 5)])
def test_podman_4_reads_no_dropins_and_takes_no_templates(version: Version) -> None:
    assert not reads_dropins(version)
    with pytest.raises(ConfigError, match=rf"need Podman 5\.0\.0, this is {version}"):
        check_workload(version, "worker@")


def test_podman_4_takes_other_workloads() -> None:
    check_workload(Version(4, 3, 1), "worker")


def test_a_person_is_told_what_the_unit_must_do_itself() -> None:
    told = without_dropins(Version(4, 3, 1), "myapp.container")
    assert "needs 5.0.0" in told
    assert "Secret=NAME,type=env" in told
