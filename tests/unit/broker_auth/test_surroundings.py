"""Where the metadata servers are: constants, but for a development host."""

import json
from pathlib import Path

import pytest

from psi.broker.infisical.auth.surroundings import Endpoints, load_surroundings
from psi.shared.errors import ConfigError


def test_without_a_development_root_nothing_names_other_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PSI_DEV_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dev-platform.json").write_text('{"aws_instance": "http://evil"}')
    found = load_surroundings(None).endpoints
    assert found == Endpoints()
    assert found.aws_instance == found.azure_instance == "http://169.254.169.254"
    assert found.google_instance == "http://metadata.google.internal"


def test_an_empty_development_root_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSI_DEV_ROOT", "")
    assert load_surroundings(None).endpoints == Endpoints()


def test_a_development_host_may_name_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSI_DEV_ROOT", str(tmp_path))
    assert load_surroundings(None).endpoints == Endpoints()
    (tmp_path / "dev-platform.json").write_text(json.dumps({"google_iam": "http://x"}))
    assert load_surroundings(None).endpoints == Endpoints(google_iam="http://x")


@pytest.mark.parametrize("content", ["{", '{"unknown": ""}', "[]"])
def test_a_bad_development_file_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setenv("PSI_DEV_ROOT", str(tmp_path))
    (tmp_path / "dev-platform.json").write_text(content)
    with pytest.raises(ConfigError, match=r"dev-platform\.json.*correct or remove it"):
        load_surroundings(None)


def test_the_provider_s_proxy_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PSI_DEV_ROOT", raising=False)
    assert load_surroundings("http://proxy:3128").proxy == "http://proxy:3128"
