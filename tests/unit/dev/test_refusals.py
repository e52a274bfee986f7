"""Arguments that a development host does not take."""

from pathlib import Path

import pytest

from psi.shared.errors import ConfigError, PsiError
from psictl.dev import run
from psictl.layout import Layout


def test_an_unknown_device_is_refused(layout: Layout, config: Path) -> None:
    with pytest.raises(ConfigError, match="--sealer takes software, swtpm, softhsm"):
        run(layout.root, config, None, "yubikey")
    assert not layout.config_dir.exists()


def test_a_root_over_sixty_bytes_is_refused(config: Path) -> None:
    with pytest.raises(ConfigError, match="socket paths end at 108"):
        run(Path("/tmp") / ("r" * 60), config)  # noqa: S108  # never made


def test_the_host_itself_is_refused(config: Path) -> None:
    with pytest.raises(ConfigError, match="the root / is the host itself"):
        run(Path("/"), config)


def test_a_bad_configuration_starts_nothing(layout: Layout, config: Path) -> None:
    config.write_text("nonsense: 1\n")
    with pytest.raises(ConfigError, match=r"config.yaml:1: nonsense: unknown key"):
        run(layout.root, config)
    assert not layout.http_socket.exists()
    assert not layout.config_dir.exists()


def test_missing_limits_are_refused(layout: Layout, config: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        run(layout.root, config, layout.root / "none.json")


def test_a_root_that_is_a_file_is_refused(layout: Layout, config: Path) -> None:
    (layout.root / "file").touch()
    with pytest.raises(PsiError, match="the development host ends"):
        run(layout.root / "file", config)
