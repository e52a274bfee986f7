"""Hostile names: what each parse function takes, and each way to be refused."""

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psi.shared.errors import ConfigError, InvalidName
from psi.shared.names import (
    parse_alias,
    parse_credential,
    parse_environment_name,
    parse_environment_slug,
    parse_key,
    parse_secret_id,
    parse_secret_path,
    parse_systemd_unit,
    parse_unit,
    parse_workload,
)
from psi.shared.text import has_control
from tests.unit.shared.properties import PROPERTY

ID = "0123456789abcdef012345678"


class Kind(NamedTuple):
    """A kind of name: good ones, and bad ones by what is wrong with them."""

    parse: Callable[[str], str]
    good: tuple[str, ...]
    bad: dict[str, str]


def _shared(good: str) -> dict[str, str]:
    """Return what no kind takes, made from a name that it takes."""
    return {
        "empty": "",
        "trailing newline": good + "\n",
        "leading newline": "\n" + good,
        "second line": good + "\nPodmanArgs=--privileged",
        "NUL": good + "\0",
        "carriage return": good + "\r",
        "escape sequence": good + "\x1b[2J",
        "line separator": good + "\u2028",
        "right-to-left override": good + "\u202e",
        "lone surrogate": good + "\ud800",
        "slash and dots": "../" + good,
    }


def _ascii(good: str) -> dict[str, str]:
    """Return what no kind of plain name takes."""
    return _shared(good) | {
        "space": good + " x",
        "leading space": " " + good,
        "quote": good + '"',
        "apostrophe": good + "'",
        "comma": good + ",type=mount",
        "equals": good + "=x",
        "percent": good + "%i",
        "dollar": good + "$(id)",
        "backslash": good + "\\",
        "semicolon": good + ";",
        "slash": good + "/x",
        "letter beyond ASCII": good + "é",
        "character of four bytes": good + "\U0001f511",
        "digit beyond ASCII": good + "\u0663",
        "full-width letter": "\uff21" + good,
    }


KINDS = {
    "secret id": Kind(
        parse_secret_id,
        (ID, "f" * 25),
        _ascii(ID)
        | {
            "one less": ID[1:],
            "one more": ID + "0",
            "upper case": ID.upper(),
            "other letter": "g" + ID[1:],
            "Arabic digits": "\u0660" * 25,
        },
    ),
    "environment name": Kind(
        parse_environment_name,
        ("A", "_", "_1", "DB_HOST", "a" * 128),
        _ascii("A") | {"digit first": "1A", "too long": "a" * 129, "dash": "A-B", "dot": "A.B"},
    ),
    "workload": Kind(
        parse_workload,
        ("a", "0", "myapp", "my-app", "my_app.x", "a" * 63, "a@", "a" * 63 + "@", "a_", "a."),
        _ascii("a")
        | {
            "dash last": "wind-",
            "dash last of a template": "wind-@",
            "dash first": "-a",
            "dot first": ".a",
            "at sign within": "a@b",
            "two at signs": "a@@",
            "too long": "a" * 64,
            "at sign alone": "@",
        },
    ),
    "unit": Kind(
        parse_unit,
        ("a.container", "my-app@.container", "a" * 63 + ".container"),
        _ascii("a.container")
        | {
            "no suffix": "a",
            "other suffix": "a.service",
            "suffix alone": ".container",
            "dash last": "wind-.container",
            "too long": "a" * 64 + ".container",
        },
    ),
    "systemd unit": Kind(
        parse_systemd_unit,
        ("a.service", "a@b.service", "network-online.target", "dev:x.mount", "a.container"),
        _ascii("a.service")
        | {"no suffix": "a", "unknown suffix": "a.slice", "too long": "a" * 241 + ".service"},
    ),
    "alias": Kind(
        parse_alias,
        ("a", "my-project", "x.y_z", "9" * 63),
        _ascii("a") | {"too long": "a" * 64, "dot first": ".a", "dash first": "-a"},
    ),
    "environment slug": Kind(
        parse_environment_slug,
        ("prod", "dev-2", "A_b", "x" * 64),
        _ascii("prod") | {"too long": "x" * 65, "dot": "a.b", "dash first": "-a"},
    ),
    "credential": Kind(
        parse_credential,
        ("hsm-pin", "a.b", "x" * 128),
        _ascii("pin") | {"too long": "x" * 129, "dot first": ".pin", "dots alone": ".."},
    ),
    "secret path": Kind(
        parse_secret_path,
        ("/", "/a", "/a/b", "/a b/c", "/é/\U0001f511", "/a/...", "/" + "x" * 255),
        _shared("/a")
        | {
            "relative": "a",
            "trailing slash": "/a/",
            "two slashes": "/a//b",
            "two slashes first": "//a",
            "dot": "/a/./b",
            "dots": "/a/../b",
            "dots last": "/a/..",
            "too long a part": "/" + "x" * 256,
            "too long": "/aaaaaaa" * 129,
            "C1 control": "/a\x85",
        },
    ),
    "key": Kind(
        parse_key,
        ("A", "db-host", "a b", 'with"quote', "é", "\U0001f511" * 255, "x" * 255),
        _shared("A") | {"slash": "a/b", "colon": "a:b", "too long": "x" * 256, "C1": "A\x9b"},
    ),
}
GOOD = [(kind, name) for kind, each in KINDS.items() for name in each.good]
BAD = [(kind, wrong) for kind, each in KINDS.items() for wrong in each.bad]


@pytest.mark.parametrize(("kind", "name"), GOOD, ids=lambda value: ascii(value)[:30])
def test_a_good_name_is_returned_unchanged(kind: str, name: str) -> None:
    assert KINDS[kind].parse(name) == name


@pytest.mark.parametrize(("kind", "wrong"), BAD)
def test_a_bad_name_is_refused(kind: str, wrong: str) -> None:
    with pytest.raises(InvalidName, match="is not valid"):
        KINDS[kind].parse(KINDS[kind].bad[wrong])


@pytest.mark.parametrize(("kind", "wrong"), BAD)
def test_a_refusal_is_one_clean_line(kind: str, wrong: str) -> None:
    with pytest.raises(InvalidName) as caught:
        KINDS[kind].parse(KINDS[kind].bad[wrong])
    assert not has_control(str(caught.value))
    assert len(str(caught.value)) < 400


def test_a_bad_name_is_an_error_of_the_configuration() -> None:
    assert issubclass(InvalidName, ConfigError)
    assert InvalidName.exit_code == 2


# Names near the border, where single characters decide, and any text at all.
_NEAR = st.text(
    st.sampled_from("aZ09_.-@:/%= \n\0\x1b\x85\u2028\u0663é\U0001f511\ud800"), max_size=30
)
_ANY = st.one_of(_NEAR, st.text(max_size=40), st.from_regex(r"\A/?[a-z0-9_.@/-]{1,30}\Z"))


@pytest.mark.parametrize("kind", KINDS)
@PROPERTY
@given(name=_ANY)
def test_what_is_accepted_is_the_name_and_has_no_control_character(kind: str, name: str) -> None:
    try:
        parsed = KINDS[kind].parse(name)
    except InvalidName:
        return
    assert parsed == name
    assert not has_control(name)
    assert name.isprintable() or kind in {"secret path", "key"}
    name.encode()


@PROPERTY
@given(name=_ANY)
def test_an_accepted_path_stays_below_its_root(name: str) -> None:
    try:
        parts = parse_secret_path(name).split("/")
    except InvalidName:
        return
    assert parts[0] == ""
    assert name == "/" or not {"", ".", ".."} & set(parts[1:])


@PROPERTY
@given(name=_ANY)
def test_an_accepted_environment_name_means_nothing_to_a_shell(name: str) -> None:
    try:
        parse_environment_name(name)
    except InvalidName:
        return
    assert re.fullmatch("[A-Za-z0-9_]+", name)
