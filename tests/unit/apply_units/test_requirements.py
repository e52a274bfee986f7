"""What a host lacks: told at once, each with its line and a remedy."""

from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psictl.apply.units.credentials import is_there
from psictl.apply.units.sight import broker_sees, hindrance
from psictl.layout import Layout
from tests.unit.apply_units.conftest import Missing

ROOT = Path(__file__).resolve().parents[3]
AUTH = "providers.infisical.auth"


def _auth(fields: str) -> str:
    return f"providers:\n  infisical:\n    auth: {{{fields}}}\n"


def _jwt(path: str) -> str:
    return _auth(f"method: jwt, identity_id: i, jwt_file: {path}")


SECRET = _auth("method: universal-auth, client_id: i, client_secret_credential: shop")
PIN = (
    "sealer:\n  pkcs11: {module: /usr/lib/p.so, token_label: t, key_label: k, "
    "pin_credential: pin}\n"
)


def test_a_credential_that_is_nowhere(missing: Missing, layout: Layout) -> None:
    (told,) = missing(SECRET)
    assert told == (
        f"3: {AUTH}.client_secret_credential: credential shop is neither in "
        f"{layout.credstore_encrypted} nor in {layout.credstore}; psictl credential set shop"
    )


@pytest.mark.parametrize("name", ["credstore", "credstore_encrypted"])
def test_a_credential_that_is_there(missing: Missing, layout: Layout, name: str) -> None:
    folder: Path = getattr(layout, name)
    folder.mkdir(parents=True)
    (folder / "shop").touch()
    assert missing(SECRET) == []


def test_a_pin_is_looked_for_where_a_token_is_used(missing: Missing) -> None:
    (told,) = missing("cache: {backend: hsm}\n" + PIN)
    assert told.startswith("3: sealer.pkcs11.pin_credential: credential pin is neither in")
    assert missing("cache: {backend: memory}\n" + PIN) == []


@pytest.mark.parametrize(
    "path",
    [
        "/home/me/token", "/root/token", "/tmp/x/token", "/var/tmp/x/token", "/run/user/0/t/token",  # noqa: S108
        "/etc/psi/token", "/etc/shadow", "/etc/credstore/token", "/etc/ssl/private/token",
        "/var/lib/psi-config/x/token", "/var/lib/psi-sealer/x/token", "/run/credentials/x/token",
        "/dev/hugepages/x", "/proc/1/environ", "/run/psi/x",
    ],
)  # fmt: skip
def test_a_file_that_no_service_may_see(missing: Missing, path: str) -> None:
    (told,) = missing(_jwt(path))
    assert told.startswith(f"3: {AUTH}.jwt_file: {path} is hidden from the service")


@pytest.mark.parametrize("path", ["/token", "/srv/token", "/run/token", "/var/lib/token"])
def test_a_file_in_everybodys_folder(missing: Missing, path: str) -> None:
    (told,) = missing(_jwt(path))
    assert f"would show all of {Path(path).parent} to the service" in told


@pytest.mark.parametrize(
    "path", ["/run/x/token", "/var/lib/x/token", "/etc/x", "/usr/x", "/var/lib/psi/x", "/homes/y/z"]
)
def test_a_file_that_can_be_shown(missing: Missing, path: str) -> None:
    assert missing(_jwt(path)) == []


def test_a_module_that_no_service_may_see(missing: Missing) -> None:
    module = PIN.replace("/usr/lib/p.so", "/home/me/p.so").replace(", pin_credential: pin", "")
    (told,) = missing("cache: {backend: hsm}\n" + module)
    assert told.startswith("3: sealer.pkcs11.module: /home/me/p.so is hidden from the service")
    assert missing("cache: {backend: memory}\n" + module) == []
    assert missing("cache: {backend: hsm}\n" + module.replace("/home/me", "/opt/v")) == []


def test_all_are_told_at_once(missing: Missing) -> None:
    projects = "    projects:\n      p: {id: p, environment: e, auth: {method: jwt, identity_id: i"
    both = SECRET + projects + ", jwt_file: /home/x}}\n"
    assert [line.partition(":")[0] for line in missing(both)] == ["3", "5"]


def test_what_the_shipped_unit_hides_is_known_to_be_hidden() -> None:
    unit = (ROOT / "systemd/psi-broker.service").read_text().splitlines()
    hidden = [line.partition("=-+")[2] for line in unit if line.startswith("InaccessiblePaths=-+")]
    assert "/etc/psi" in hidden
    for path in hidden:
        assert not broker_sees(path), path
        assert hindrance(f"{path}/x"), path


def test_what_the_broker_is_said_to_see_is_in_the_shipped_unit() -> None:
    unit = (ROOT / "systemd/psi-broker.service").read_text().splitlines()
    for line in (
        "BindReadOnlyPaths=/usr:/usr:norbind",
        "BindReadOnlyPaths=/etc",
        "StateDirectory=psi",
    ):
        assert line in unit
    assert all(broker_sees(path) for path in ("/usr/x", "/etc/x", "/var/lib/psi/x"))


def test_folders_that_cannot_be_looked_into_are_told(layout: Layout) -> None:
    loop = layout.root / "loop"
    loop.mkdir()
    assert not is_there(loop / "shop")
    with pytest.raises(PsiError, match=f"cannot look into {loop}: .*; run as root"):
        is_there(loop / ("x" * 300))
