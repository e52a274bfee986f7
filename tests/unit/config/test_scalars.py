"""Scalars mean what they say: the schema types them, YAML does not."""

import pytest

from tests.unit.config.conftest import Check, Read


def test_an_id_keeps_its_leading_zero(read: Read, valid: str) -> None:
    text = valid.replace("5b1f0c1e-0000-4000-8000-000000000001", "012345")
    assert read(text).provider.infisical.projects["shop"].id == "012345"


def test_an_environment_named_on_is_text(read: Read, valid: str) -> None:
    text = valid.replace("environment: prod", "environment: on")
    assert read(text).provider.infisical.projects["shop"].environment == "on"


@pytest.mark.parametrize("mode", ["0640", "'0640'", "640"])
def test_a_mode_is_octal_with_or_without_quotes(read: Read, valid: str, mode: str) -> None:
    text = valid + f"    keys: {{A: {{type: mount, mode: {mode}}}}}\n"
    assert read(text).workloads["web"].keys["A"].mode == "0640"


@pytest.mark.parametrize("mode", ["0o640", "999", "01777", "rw-r-----", "[0640]", "416."])
def test_what_is_no_mode_is_refused(errors: Check, valid: str, mode: str) -> None:
    (told,) = errors(valid + f"    keys: {{A: {{type: mount, mode: {mode}}}}}\n")
    assert told.startswith("12: workloads.web.keys.A.mode: ")


@pytest.mark.parametrize(("text", "wanted"), [("true", True), ("false", False)])
def test_a_flag_is_true_or_false(read: Read, text: str, wanted: object) -> None:
    config = read(f"providers: {{infisical: {{verify_ssl: {text}}}}}")
    assert config.provider.infisical.verify_ssl is wanted


@pytest.mark.parametrize("text", ["on", "yes", "1", "True", "''", "[true]"])
def test_another_word_for_a_flag_is_refused(errors: Check, text: str) -> None:
    (told,) = errors(f"providers: {{infisical: {{verify_ssl: {text}}}}}")
    assert told.startswith("1: providers.infisical.verify_ssl: ")


@pytest.mark.parametrize(
    ("text", "seconds"), [("300", 300), ("90d", 7_776_000), ("12h", 43_200), ("30m", 1800)]
)
def test_a_token_ttl_is_seconds_or_a_duration(read: Read, text: str, seconds: int) -> None:
    config = read(f"providers: {{infisical: {{token: {{ttl: {text}}}}}}}")
    assert config.provider.infisical.token_ttl == seconds


@pytest.mark.parametrize(
    "text", ["9", "91d", "1y", "5 m", "-1", "0x20", "1_000", "٣00", "1e3", "5M"]
)
def test_what_is_no_ttl_is_refused(errors: Check, text: str) -> None:
    (told,) = errors(f"providers: {{infisical: {{token: {{ttl: {text}}}}}}}")
    assert told.startswith("1: providers.infisical.token.ttl: ")


def test_other_durations_need_a_unit(errors: Check) -> None:
    assert errors("cache: {max_stale: 1h}") == []
    (told,) = errors("cache: {max_stale: 3600}")
    assert told.endswith("write a number and d, h, m or s, such as 90d, 12h, 30m or 10s")
