"""The comment by which a drop-in names its configuration."""

import pytest

from psi.shared.errors import InvalidName
from psictl.quadlet.dropin import HEADER, render_secrets
from psictl.quadlet.revision import parse_revision, revision_in
from psictl.quadlet.secret_line import SecretUse
from psictl.quadlet.unit_file import parse_unit_file

REVISION = "0123456789abcdef" * 2


def test_a_dropin_names_its_configuration_and_says_nothing_else_by_it() -> None:
    text = render_secrets("myapp", [SecretUse("A")], REVISION)
    assert text.startswith(f"{HEADER}\n# Configuration: {REVISION}\n")
    assert revision_in(text) == REVISION
    bare = render_secrets("myapp", [SecretUse("A")])
    assert parse_unit_file(text).assignments == parse_unit_file(bare).assignments


def test_without_secrets_the_configuration_is_named_all_the_same() -> None:
    text = render_secrets("myapp", [], REVISION)
    assert revision_in(text) == REVISION
    assert parse_unit_file(text).assignments == []


@pytest.mark.parametrize(
    "text", ["", f"{HEADER}\n", f"# Configuration: {REVISION}0\n", f"x # Configuration: {REVISION}"]
)
def test_a_text_that_names_none_has_none(text: str) -> None:
    assert revision_in(text) == ""


@pytest.mark.parametrize("text", [f"{REVISION}\n", "0" * 31, "G" * 32, f"{REVISION[:-1]}\n"])
def test_what_is_no_revision_never_reaches_a_dropin(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_revision(text)
    with pytest.raises(InvalidName):
        render_secrets("myapp", [], text)
