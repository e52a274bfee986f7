"""``workloads`` and ``allow``: units, sources, keys, and what they refer to."""

import pytest

from psi.shared.projection import Coordinate, KeyOptions, Source
from tests.unit.config.conftest import Check, Read

SOURCE = "secrets: [{project: shop, path: /web}]"


def _with(valid: str, workloads: str) -> str:
    return valid.partition("workloads:")[0] + f"workloads: {{{workloads}}}\n"


def test_defaults(read: Read, valid: str) -> None:
    web = read(valid).workloads["web"]
    assert (web.unit, web.depends_on, web.type, web.keys, web.on_change) == (
        "web.container",
        [],
        "env",
        {},
        "none",
    )
    assert web.sources == [Source(project="shop", path="/web", recursive=False)]


def test_a_template_has_a_template_unit(read: Read, valid: str) -> None:
    text = _with(valid, f"worker@: {{{SOURCE}}}")
    assert read(text).workloads["worker@"].unit == "worker@.container"


def test_a_name_with_dots_gives_its_own_unit(read: Read, valid: str) -> None:
    text = _with(valid, f"a.workloads.b: {{{SOURCE}}}")
    assert read(text).workloads["a.workloads.b"].unit == "a.workloads.b.container"


def test_two_workloads_of_one_unit_are_refused(errors: Check, valid: str) -> None:
    text = _with(valid, f"a: {{unit: b.container, {SOURCE}}}, b: {{{SOURCE}}}")
    assert errors(text) == [
        "9: workloads.b: the unit b.container belongs to workload a; give each its own"
    ]


@pytest.mark.parametrize("name", ["wind-", "a/b", "'a b'", "a@b", "-a", "x" * 64, '"a\\n"'])
def test_a_bad_name_is_refused(errors: Check, valid: str, name: str) -> None:
    assert errors(_with(valid, f"{name}: {{{SOURCE}}}"))


@pytest.mark.parametrize("unit", ["web", "web.service", "wind-.container", "../x.container"])
def test_a_bad_unit_is_refused(errors: Check, valid: str, unit: str) -> None:
    assert len(errors(_with(valid, f"a: {{unit: {unit}, {SOURCE}}}"))) == 1


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        ("", "secrets is missing; add it"),
        ("secrets: []", "the list is empty; give at least 1"),
        ("secrets: {project: shop}", "expected a list, found a section of keys"),
        ("secrets: [{path: /x}]", "project is missing; add it"),
        ("secrets: [{project: none}]", "is not under providers.infisical.projects; known: shop"),
        ("secrets: [{project: shop, path: x}]", "secret path 'x' is not valid"),
        ("secrets: [{project: shop, path: /x/}]", "is not valid"),
        ("secrets: [{project: shop, path: /x/../y}]", "is not valid"),
        ("secrets: [{project: shop}, {project: shop, path: /}]", "stand above; keep one"),
        (f"{SOURCE}, provider: vault", "the only provider is infisical"),
        (f"{SOURCE}, depends_on: [psi]", "unit 'psi' is not valid"),
        (f"{SOURCE}, depends_on: ['a b.service']", "is not valid"),
        (
            f"{SOURCE}, depends_on: [{', '.join(f'u{n}.service' for n in range(65))}]",
            "the list has 65 entries; at most 64 are taken",
        ),
        (f"{SOURCE}, type: file", "'file' is not known"),
        (f"{SOURCE}, on_change: reboot", "'reboot' is not known"),
        (f"{SOURCE}, environment: prod", "the environment is the project's"),
        (f"{SOURCE}, keys: {{A/B: {{}}}}", "secret key 'A/B' is not valid"),
        (f"{SOURCE}, keys: {{A: {{mode: 0600}}}}", "are for type: mount"),
        (f"{SOURCE}, keys: {{A: {{target: x-y}}}}", "environment variable name 'x-y'"),
        (f"{SOURCE}, type: mount, keys: {{A: {{target: 'a,b'}}}}", "no target of a mount"),
        (f"{SOURCE}, type: mount, keys: {{A: {{target: /a/../b}}}}", "no target of a mount"),
        (f"{SOURCE}, type: mount, keys: {{A: {{target: ./b}}}}", "no target of a mount"),
        (f"{SOURCE}, type: mount, keys: {{A: {{uid: -1}}}}", "is not a number from 0"),
        (f"{SOURCE}, type: mount, keys: {{A: {{gid: 4294967295}}}}", "is not a number from 0"),
    ],
)
def test_refused(errors: Check, valid: str, workload: str, words: str) -> None:
    told = errors(_with(valid, f"a: {{{workload}}}"))
    assert len(told) == 1
    assert words in told[0]


def test_a_whole_workload(read: Read, valid: str) -> None:
    keys = "A: {target: B}, C: {type: mount, target: /run/c.pem, uid: 10, gid: 20, mode: 0400}"
    fields = f"provider: infisical, depends_on: [db.service], {SOURCE}, keys: {{{keys}}}"
    workload = read(_with(valid, f"a: {{{fields}}}")).workloads["a"]
    assert workload.depends_on == ["db.service"]
    assert workload.keys == {
        "A": KeyOptions(target="B"),
        "C": KeyOptions(type="mount", target="/run/c.pem", uid=10, gid=20, mode="0400"),
    }


def test_a_key_takes_its_workloads_type(read: Read, valid: str) -> None:
    text = _with(valid, f"a: {{{SOURCE}, type: mount, keys: {{A: {{mode: 0400}}}}}}")
    workload = read(text).workloads["a"]
    assert (workload.type, workload.keys["A"].type) == ("mount", "mount")


@pytest.mark.parametrize("word", ["reload", "restart"])
def test_on_change_is_noted_as_not_served(
    read: Read, notices: Check, valid: str, word: str
) -> None:
    text = _with(valid, f"a: {{{SOURCE}, on_change: {word}}}")
    assert read(text).workloads["a"].on_change == word
    assert "is not served yet" in notices(text)[0]


def test_on_change_none_is_not_noted(notices: Check, valid: str) -> None:
    assert notices(_with(valid, f"a: {{{SOURCE}, on_change: none}}")) == []


def test_allow_names_further_coordinates(read: Read, valid: str) -> None:
    config = read(valid + "allow: [{project: shop, path: /x, key: A}, {project: shop, key: b-c}]\n")
    assert config.allow == (
        Coordinate(project="shop", path="/x", key="A"),
        Coordinate(project="shop", path="/", key="b-c"),
    )


@pytest.mark.parametrize(
    "entry",
    ["{project: shop}", "{key: A}", "{project: none, key: A}", "{project: shop, key: 'a:b'}", "x"],
)
def test_a_bad_coordinate_is_refused(errors: Check, valid: str, entry: str) -> None:
    (told,) = errors(valid + f"allow: [{entry}]\n")
    assert told.startswith("12: allow[0]")
