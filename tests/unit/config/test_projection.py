"""What the broker gets of a configuration, and that it can read it."""

from pathlib import Path

import msgspec
import pytest

from psi.shared.projection import (
    BrokerProjection,
    UniversalAuth,
    decode_projection,
    encode_projection,
)
from psi.shared.secret import SecretBytes
from psictl.config.projection import broker_projection, credentials
from tests.unit.config.conftest import Load

HASH = "0" * 64


def _project(load_text: Load, text: str) -> BrokerProjection:
    config = load_text(text).config
    state = Path("/var/lib/psi")
    return broker_projection(config, generation=3, config_sha256=HASH, state_dir=state)


def test_the_broker_reads_what_was_meant(load_text: Load, valid: str) -> None:
    text = valid + "cache: {backend: memory}\naudit: full\nallow: [{project: shop, key: A}]\n"
    projection = _project(load_text, text)
    assert (projection.generation, projection.config_sha256) == (3, HASH)
    assert (projection.cache, projection.audit) == ("memory", "full")
    assert projection.state_dir == "/var/lib/psi"
    assert projection.infisical.projects["shop"].auth == UniversalAuth(
        client_id="machine", client_secret=SecretBytes(b"hunter2")
    )
    assert list(projection.workloads) == ["web"]
    assert projection.allow[0].key == "A"
    assert decode_projection(encode_projection(projection), BrokerProjection) == projection


def test_an_empty_configuration_is_a_valid_projection(load_text: Load) -> None:
    projection = _project(load_text, "{}\n")
    assert projection.infisical.api_url == "https://app.infisical.com"
    assert projection.cache == "none"


@pytest.mark.parametrize("length", [63, 62])
def test_the_longest_names_pass_both_checks(load_text: Load, valid: str, length: int) -> None:
    name = "w" * length
    text = valid.replace("  web:", f"  {name}:").replace("shop", "s" * length)
    text += f"    keys: {{{'K' * 255}: {{type: mount}}}}\n"
    assert list(_project(load_text, text).workloads) == [name]


def test_the_credentials_of_all_auths_are_named(load_text: Load, valid: str) -> None:
    named = "{method: universal-auth, client_id: c, client_secret_credential: one}"
    text = valid.replace("    projects:", f"    auth: {named}\n    projects:")
    own = "client_secret: hunter2"
    text = text.replace(own, "client_secret_credential: two")
    assert credentials(_project(load_text, text)) == {"one", "two"}


def test_without_named_credentials_there_are_none(load_text: Load, valid: str) -> None:
    assert credentials(_project(load_text, valid)) == frozenset()


def test_a_projection_holds_no_unknown_field(load_text: Load, valid: str) -> None:
    fields = msgspec.json.decode(encode_projection(_project(load_text, valid)))
    assert set(fields) <= set(BrokerProjection.__struct_fields__)
