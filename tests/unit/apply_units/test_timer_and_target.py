"""The refresh's interval, and what psi.target starts besides what every host has."""

import pytest

from tests.unit.apply_units.conftest import Derive, settings

TIMER, TARGET = "psi-infisical-refresh.timer.conf", "psi.target.conf"
SEALER = [
    "Wants=psi-sealer.socket",
    "Wants=psi-sealer-ctl.socket",
    "Wants=psi-sealer.service",
]
REFRESH = "Wants=psi-infisical-refresh.timer"


def test_the_interval_and_its_jitter_come_from_the_configuration(derive: Derive) -> None:
    text = "cache: {backend: memory, refresh_interval: 2h, refresh_randomized_delay: 90s}\n"
    assert settings(derive(text)[TIMER], "Timer") == [
        "OnActiveSec=",
        "OnActiveSec=7200s",
        "OnUnitActiveSec=7200s",
        "RandomizedDelaySec=90s",
    ]


def test_without_a_word_about_it_they_are_the_usual_ones(derive: Derive) -> None:
    lines = settings(derive("cache: {backend: memory}\n")[TIMER], "Timer")
    assert "OnUnitActiveSec=3600s" in lines
    assert "RandomizedDelaySec=300s" in lines


@pytest.mark.parametrize(
    ("backend", "wanted"),
    [
        ("memory", [REFRESH]),
        ("software", [*SEALER, REFRESH]),
        ("tpm", [*SEALER, REFRESH]),
    ],
)
def test_the_target_starts_what_is_needed(derive: Derive, backend: str, wanted: list[str]) -> None:
    found = derive(f"cache: {{backend: {backend}}}\n")
    assert settings(found[TARGET], "Unit") == wanted


def test_where_nothing_is_kept_the_broker_alone_has_a_drop_in(derive: Derive) -> None:
    assert set(derive("{}\n")) == {"psi-broker.service.conf"}
