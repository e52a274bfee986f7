"""psi-broker.service: its projection, its credentials, and the files that it reads anew."""

import pytest

from psictl.layout import Layout
from tests.unit.apply_units.conftest import Derive, settings

UNIT = "psi-broker.service.conf"


def _auth(fields: str) -> str:
    return f"providers:\n  infisical:\n    auth: {{{fields}}}\n"


def _lines(derive: Derive, text: str, directive: str) -> list[str]:
    lines = settings(derive(text)[UNIT], "Service")
    return [line.partition("=")[2] for line in lines if line.startswith(f"{directive}=")]


def test_its_projection_is_named_by_its_generation(derive: Derive, layout: Layout) -> None:
    named = f"config.json:{layout.config_dir}/gen-7/broker.json"
    assert _lines(derive, "{}", "LoadCredential") == [named]


def test_a_drop_in_says_that_it_is_made(derive: Derive) -> None:
    assert derive("{}")[UNIT].startswith("# Made by psictl apply")


def test_credentials_are_loaded_from_where_they_lie(derive: Derive, layout: Layout) -> None:
    for folder, name in ((layout.credstore, "clear"), (layout.credstore_encrypted, "sealed")):
        folder.mkdir(parents=True)
        (folder / name).touch()
    (layout.credstore / "sealed").touch()
    text = _auth("method: ldap, identity_id: i, username: u, password_credential: clear") + (
        "    projects:\n      p: {id: p, environment: e, auth: {method: universal-auth, "
        "client_id: c, client_secret_credential: sealed}}\n"
    )
    assert _lines(derive, text, "LoadCredential")[1:] == [f"clear:{layout.credstore}/clear"]
    encrypted = [f"sealed:{layout.credstore_encrypted}/sealed"]
    assert _lines(derive, text, "LoadCredentialEncrypted") == encrypted


@pytest.mark.parametrize(
    ("path", "bound"),
    [
        ("/run/agent/token", ["-/run/agent"]),
        ("/var/lib/agent/a b/token", ['"-/var/lib/agent/a b"']),
        ("/srv/x/100%/token", ['"-/srv/x/100%%"']),
        ("/etc/agent/token", []),
        ("/usr/share/agent/token", []),
    ],
)
def test_a_file_that_is_read_anew_has_its_folder_bound(
    derive: Derive, path: str, bound: list[str]
) -> None:
    text = _auth(f"method: jwt, identity_id: i, jwt_file: '{path}'")
    assert _lines(derive, text, "BindReadOnlyPaths") == bound
    unrun = [each.replace("-/", "-+/") for each in bound]
    assert _lines(derive, text, "NoExecPaths") == unrun


def test_kubernetes_has_its_usual_folder_bound(derive: Derive) -> None:
    text = _auth("method: kubernetes, identity_id: i")
    bound = ["-/run/secrets/kubernetes.io/serviceaccount"]
    assert _lines(derive, text, "BindReadOnlyPaths") == bound


def test_one_folder_is_bound_once(derive: Derive) -> None:
    text = _auth("method: jwt, identity_id: i, jwt_file: /run/a/1") + (
        "    projects:\n      p: {id: p, environment: e, "
        "auth: {method: oidc, identity_id: i, jwt_file: /run/a/2}}\n"
    )
    assert _lines(derive, text, "BindReadOnlyPaths") == ["-/run/a"]
