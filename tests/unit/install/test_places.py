"""Prefixes that units can name and services can reach, and those that are refused."""

from pathlib import Path

import pytest

from psi.shared.errors import ConfigError
from psictl.install.places import MAX_PREFIX_BYTES, Places


@pytest.mark.parametrize(
    "prefix", ["/usr/lib/psi", "/usr/local/lib/psi-suite", "/opt/psi", "/srv/a_b.c/d-1"]
)
def test_a_prefix(prefix: str) -> None:
    assert Places(prefix=prefix).versions == Path(f"{prefix}/versions")


@pytest.mark.parametrize(
    "prefix",
    [
        "", "/", "usr/lib/psi", "/usr/lib/psi/", "/usr//psi", "/usr/lib/../etc/psi", "/usr/lib/p i",
        "/usr/lib/%i", "/usr/lib/psi\n", "/usr/lib/$x", "/usr/lib/'x", "/usr/lib/.hidden",
        "/" + "a" * MAX_PREFIX_BYTES,
    ],
)  # fmt: skip
def test_a_prefix_that_units_cannot_name(prefix: str) -> None:
    with pytest.raises(ConfigError, match="give an absolute path"):
        Places(prefix=prefix)


@pytest.mark.parametrize("prefix", ["/home/psi", "/root/psi", "/etc/psi", "/var/lib/psi", "/run/p"])
def test_a_prefix_that_services_do_not_see(prefix: str) -> None:
    with pytest.raises(ConfigError, match="programs cannot be there"):
        Places(prefix=prefix)


def test_a_folder_whose_name_only_begins_alike_is_none_of_them() -> None:
    assert Places(prefix="/homes/psi").home == Path("/homes/psi")


def test_all_is_below_the_root(tmp_path: Path) -> None:
    places = Places(tmp_path)
    for path in (places.home, places.current, places.skeleton, places.launcher, places.config_dir):
        assert path.is_relative_to(tmp_path)
