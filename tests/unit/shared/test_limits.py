"""Limits: the defaults fit each other, and an override is a known name within its bounds."""

import json
from pathlib import Path

import msgspec
import pytest

from psi.pki.broker_link import CONNECTIONS
from psi.shared.errors import ConfigError
from psi.shared.limits import (
    BODY_BYTES,
    MAX_ENV_PAIR_BYTES,
    REPLY_FRAME_BYTES,
    REQUEST_FRAME_BYTES,
    Limits,
    load_limits,
)
from psi.shared.secret import MAX_SECRET_BYTES

CURL_SECONDS = 32
"""--max-time of the driver command (design, "HTTP on psi.sock")."""


def _override(folder: Path, data: bytes | dict[str, object]) -> Path:
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    (folder / "limits.json").write_bytes(text)
    return folder


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_limits(tmp_path) == Limits()


def test_without_credentials_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert load_limits() == Limits()


def test_a_credential_overrides_what_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(_override(tmp_path, {"lookup_seconds": 0.5})))
    limits = load_limits()
    assert limits.lookup_seconds == 0.5
    assert limits == msgspec.structs.replace(Limits(), lookup_seconds=0.5)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ({"lookup_second": 1}, "unknown field `lookup_second`"),
        ({"lookup_seconds": 0}, "lookup_seconds"),
        ({"lookup_seconds": -1}, "lookup_seconds"),
        ({"lookup_seconds": "1"}, "lookup_seconds"),
        ({"lookup_seconds": None}, "lookup_seconds"),
        ({"lookup_seconds": 86_400 * 401}, "lookup_seconds"),
        ({"http_connections": 0}, "http_connections"),
        ({"http_connections": 1.5}, "http_connections"),
        ({"http_connections": 1_000_001}, "http_connections"),
        ({"watchdog_fraction": 1}, "watchdog_fraction"),
        ([], "object"),
        (b'{"lookup_seconds": 1e999}', "limits.json"),
        (b'{"lookup_seconds": NaN}', "limits.json"),
        (b"", "limits.json"),
        (b"{", "limits.json"),
        (b'{"\xff": 1}', "limits.json"),
        (b'{"x":' + b"[" * 100_000, "limits.json"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_bad_override_is_refused(
    override: bytes | dict[str, object], told: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_limits(_override(tmp_path, override))
    assert told in str(caught.value)
    assert "--limits" in str(caught.value)


def test_the_defaults_are_within_their_own_bounds() -> None:
    assert msgspec.convert(msgspec.to_builtins(Limits()), Limits) == Limits()


def test_what_waits_for_another_waits_longer() -> None:
    limits = Limits()
    assert limits.upstream_connect_seconds < limits.upstream_seconds < limits.miss_seconds
    assert limits.miss_seconds < limits.lookup_seconds < CURL_SECONDS
    assert limits.lookup_seconds < limits.call_seconds
    assert limits.degraded_lookup_seconds < limits.lookup_seconds


def test_the_broker_takes_the_frontends_whole_pool_and_its_ping() -> None:
    assert Limits().broker_connections > Limits().http_connections + 1


def test_the_broker_takes_two_pkis_and_few_more() -> None:
    assert 2 * CONNECTIONS <= Limits().pki_connections < Limits().control_connections


def test_the_largest_secret_and_mapping_fit_their_frames() -> None:
    assert BODY_BYTES < REQUEST_FRAME_BYTES
    assert MAX_ENV_PAIR_BYTES < MAX_SECRET_BYTES < REPLY_FRAME_BYTES
