"""What the file may be made of, and that every error is told at once with its line."""

from pathlib import Path

import pytest

from psi.shared.errors import ConfigError
from psictl.config import MAX_CONFIG_BYTES, load
from psictl.config.problems import MAX_SHOWN
from tests.unit.config.conftest import Check, Load


def test_a_valid_file_has_no_errors_and_no_notices(
    errors: Check, notices: Check, valid: str
) -> None:
    assert errors(valid) == []
    assert notices(valid) == []


def test_all_errors_are_told_at_once_in_the_order_of_the_file(errors: Check) -> None:
    told = errors("audit: loud\nstate_dir: /x\nnonsense: 1\ncache: {enabled: on}\n")
    assert [line.split(":")[0] for line in told] == ["1", "2", "3", "4"]
    assert told[0] == "1: audit: 'loud' is not known; choose one of summary, full"


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text("audit: loud\n")
    with pytest.raises(ConfigError, match=rf"\A{path}:1: audit: "):
        load(path)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("audit: full\naudit: full\n", 2, "stands twice, first on line 1"),
        ("audit: &a full\n", 1, "an anchor"),
        ("a: &a full\naudit: *a\n", 2, "an alias"),
        ("audit: !!str full\n", 1, "a tag"),
        ("cache: !x {enabled: true}\n", 1, "a tag"),
        ("cache: {<<: {enabled: true}}\n", 1, "merge keys are not taken"),
        ("{[a]: b}\n", 1, "a key that is not text"),
        ("audit: full\n  x: y\n", 2, "not YAML"),
        ("audit: 'full\n", 2, "not YAML"),
        ("audit: full\n---\naudit: full\n", 2, "not YAML"),
        ("audit: full\nx: \x01\n", 2, "a character that YAML does not allow"),
        ("- audit\n", 1, "expected a section of keys, found a list"),
        ("just text\n", 1, "expected a section of keys, found text"),
        ("null\n", 1, "expected a section of keys, found nothing"),
    ],
)
def test_refused(errors: Check, text: str, line: int, words: str) -> None:
    told = errors(text)
    assert any(each.startswith(f"{line}: ") and words in each for each in told), told


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_an_empty_file_is_refused(load_text: Load, text: str) -> None:
    with pytest.raises(ConfigError, match="holds no configuration"):
        load_text(text)


def test_nesting_without_end_is_refused(errors: Check) -> None:
    assert "over 24 levels deep" in errors("a: " + "[" * 100_000)[0]


def test_a_byte_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"audit: full\nx: \xff\n")
    with pytest.raises(ConfigError, match=r":2: a byte that is not UTF-8"):
        load(path)


def test_a_file_over_the_cap_is_refused_and_one_below_it_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"audit: full\n" + b"#" * (MAX_CONFIG_BYTES - 12))
    path.chmod(0o600)
    assert load(path).config.audit == "full"
    path.write_bytes(b"audit: full\n" + b"#" * (MAX_CONFIG_BYTES - 11))
    with pytest.raises(ConfigError, match="is larger than"):
        load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "none.yaml")


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no regular file"):
        load(tmp_path)


def test_a_file_open_to_others_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("audit: full\n")
    path.chmod(0o640)
    assert "chmod 0600" in load(path).notices[0]


def test_more_errors_than_a_person_reads_are_counted(errors: Check, load_text: Load) -> None:
    text = "".join(f"unknown_{number}: 1\n" for number in range(MAX_SHOWN + 7))
    assert len(errors(text)) == MAX_SHOWN + 7
    with pytest.raises(ConfigError) as raised:
        load_text(text)
    assert str(raised.value).splitlines()[-1] == "and 7 more; correct these first"


def test_a_section_with_too_many_entries_is_refused(errors: Check) -> None:
    text = "workloads:\n" + "".join(f" w{number}:\n" for number in range(10_001))
    assert "at most 10000" in errors(text)[0]


def test_a_near_miss_is_answered_with_the_key_that_was_meant(errors: Check) -> None:
    assert errors("workload: {}\n") == ["1: workload: unknown key; did you mean workloads?"]


def test_an_unknown_key_is_answered_with_the_known_ones(errors: Check) -> None:
    known = "enabled, backend, refresh_interval, refresh_randomized_delay, max_stale"
    assert errors("cache: {zzz: 1}\n") == [f"1: cache.zzz: unknown key; known here: {known}"]


def test_nothing_given_counts_as_absent(errors: Check, read: Load) -> None:
    assert errors("workloads:\ncache: ~\naudit: null\nproviders: {infisical: }\n") == []


def test_a_quoted_null_is_text(errors: Check) -> None:
    assert errors("audit: 'null'\n")[0].startswith("1: audit: 'null' is not known")
