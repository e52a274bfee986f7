"""What the file names outside of itself: checked by form, and noted with its line."""

import pytest

from psictl.config.problems import Mention
from tests.unit.config.conftest import Check, Load

AUTH = "providers.infisical.auth"


def _auth(fields: str) -> str:
    return f"providers:\n  infisical:\n    auth: {{{fields}}}\n"


@pytest.mark.parametrize("path", ["/run/x/token", "/var/run/x/token"])
def test_a_file_that_is_read_at_each_login_is_mentioned(load_text: Load, path: str) -> None:
    loaded = load_text(_auth(f"method: jwt, identity_id: i, jwt_file: {path}"))
    assert loaded.mentions == (Mention(3, f"{AUTH}.jwt_file", "file", "/run/x/token"),)


def test_what_is_embedded_is_not_mentioned(load_text: Load) -> None:
    loaded = load_text(_auth("method: universal-auth, client_id: i, client_secret: s"))
    assert loaded.mentions == ()


def test_a_credential_is_mentioned(load_text: Load) -> None:
    loaded = load_text(_auth("method: universal-auth, client_id: i, client_secret_credential: c"))
    assert loaded.mentions == (Mention(3, f"{AUTH}.client_secret_credential", "credential", "c"),)


def test_a_token_mentions_its_module_and_its_pin(load_text: Load) -> None:
    token = "module: /opt/v/p.so, token_label: t, key_label: k, pin_credential: hsm-pin"
    loaded = load_text(f"cache: {{backend: hsm}}\nsealer:\n  pkcs11: {{{token}}}\n")
    assert [(each.line, each.kind, each.name) for each in loaded.mentions] == [
        (3, "module", "/opt/v/p.so"),
        (3, "credential", "hsm-pin"),
    ]


@pytest.mark.parametrize("name", ["config.json", "limits.json", "host-secret"])
def test_a_credential_of_psis_own_name_is_refused(errors: Check, name: str) -> None:
    text = _auth(f"method: universal-auth, client_id: i, client_secret_credential: {name}")
    (told,) = errors(text)
    assert told.startswith(f"3: {AUTH}.client_secret_credential: credential {name} is PSI's own")
    assert errors(text.replace(name, f"my-{name}")) == []


@pytest.mark.parametrize("device", ["/run/tpm", "/devices/tpm", "/dev", "dev/tpmrm0"])
def test_a_device_lies_below_dev(errors: Check, device: str) -> None:
    (told,) = errors(f"sealer: {{tpm: {{device: {device}}}}}")
    assert told.startswith("1: sealer.tpm.device: ")
    assert errors("sealer: {tpm: {device: /dev/tpmrm1}}") == []
