"""psi-sealer.service, for each backend: what it is given to read, and which device it may use."""

import os
from pathlib import Path

import pytest

from psictl.layout import Layout
from tests.unit.apply_units.conftest import Derive, settings

UNIT = "psi-sealer.service.conf"
TOKEN = "token_label: t, key_label: k"


def _lines(derive: Derive, text: str, *groups: str) -> list[str]:
    """Return its settings but for the projection and the host secret, which all have."""
    lines = settings(derive(text, *groups)[UNIT], "Service")
    return [line for line in lines if "config.json:" not in line and "host-secret:" not in line]


def _hsm(module: str, more: str = "") -> str:
    return f"cache: {{backend: hsm}}\nsealer: {{pkcs11: {{module: '{module}', {TOKEN}{more}}}}}\n"


@pytest.mark.parametrize("cache", ["{}", "{backend: memory}", "{backend: tpm, enabled: false}"])
def test_where_nothing_is_kept_at_rest_there_is_none(derive: Derive, cache: str) -> None:
    assert UNIT not in derive(f"cache: {cache}\n")


@pytest.mark.parametrize("backend", ["tpm", "software"])
def test_it_is_given_its_projection_and_the_host_secret(
    derive: Derive, layout: Layout, backend: str
) -> None:
    lines = settings(derive(f"cache: {{backend: {backend}}}\n")[UNIT], "Service")
    assert lines[:2] == [
        f"LoadCredential=config.json:{layout.config_dir}/gen-7/sealer.json",
        f"LoadCredential=host-secret:{layout.config_dir}/host-secret",
    ]


def test_the_software_backend_has_no_device(derive: Derive) -> None:
    assert _lines(derive, "cache: {backend: software}\n") == []


def test_a_tpm_that_is_not_there_yet_has_the_usual_group(derive: Derive) -> None:
    text = "cache: {backend: tpm}\nsealer: {tpm: {device: /dev/absent0}}\n"
    device = ["DeviceAllow=/dev/absent0 rw", "BindPaths=-/dev/absent0"]
    assert _lines(derive, text, "tss") == [*device, "SupplementaryGroups=tss"]
    assert _lines(derive, text) == device


def test_a_device_of_roots_group_gives_none(derive: Derive) -> None:
    text = "cache: {backend: tpm}\nsealer: {tpm: {device: /dev/null}}\n"
    assert Path("/dev/null").stat().st_gid == 0
    assert _lines(derive, text, "tss") == ["DeviceAllow=/dev/null rw", "BindPaths=-/dev/null"]


def test_a_device_has_its_own_group(derive: Derive) -> None:
    terminal = os.openpty()
    try:
        name = os.ttyname(terminal[1])
        os.chown(name, -1, 5)
        text = f"cache: {{backend: tpm}}\nsealer: {{tpm: {{device: {name}}}}}\n"
        assert _lines(derive, text)[-1] == "SupplementaryGroups=tty"
        os.chown(name, -1, 54321)
        assert _lines(derive, text)[-1] == "SupplementaryGroups=54321"
    finally:
        for descriptor in terminal:
            os.close(descriptor)


def test_a_token_is_reached_by_pcscd(derive: Derive) -> None:
    text = _hsm("/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so")
    assert _lines(derive, text) == [
        "BindReadOnlyPaths=-/etc/opensc",
        "NoExecPaths=-+/etc/opensc",
        "BindPaths=-/run/pcscd",
        "NoExecPaths=-+/run/pcscd",
    ]
    readers = settings(derive(text)[UNIT], "Unit")
    assert readers == ["Wants=pcscd.socket", "After=pcscd.socket"]


@pytest.mark.parametrize(
    ("module", "lines"),
    [
        (
            "/usr/lib64/pkcs11/p.so",
            ["ExecPaths=-+/usr/lib64/pkcs11", "ReadOnlyPaths=-+/usr/lib64/pkcs11"],
        ),
        (
            "/opt/vendor/lib/p.so",
            ["BindReadOnlyPaths=-/opt/vendor/lib", "ExecPaths=-+/opt/vendor/lib"],
        ),
        (
            "/opt/the vendor/p.so",
            ['BindReadOnlyPaths="-/opt/the vendor"', 'ExecPaths="-+/opt/the vendor"'],
        ),
    ],
)
def test_a_module_elsewhere_is_shown_and_may_be_loaded(
    derive: Derive, module: str, lines: list[str]
) -> None:
    assert _lines(derive, _hsm(module))[: len(lines)] == lines


@pytest.mark.parametrize("groups", [(), ("softhsm",)])
def test_softhsm_has_its_store_and_no_reader(derive: Derive, groups: tuple[str, ...]) -> None:
    text = _hsm("/usr/lib/softhsm/libsofthsm2.so")
    assert _lines(derive, text, *groups) == [
        "BindReadOnlyPaths=-/etc/softhsm",
        "NoExecPaths=-+/etc/softhsm",
        "BindPaths=-/var/lib/softhsm",
        "NoExecPaths=-+/var/lib/softhsm",
        *(f"SupplementaryGroups={name}" for name in groups),
    ]
    assert settings(derive(text)[UNIT], "Unit") == []


def test_its_pin_is_a_credential(derive: Derive, layout: Layout) -> None:
    layout.credstore_encrypted.mkdir(parents=True)
    (layout.credstore_encrypted / "hsm-pin").touch()
    text = _hsm("/usr/lib/p.so", ", pin_credential: hsm-pin")
    place = layout.credstore_encrypted / "hsm-pin"
    assert _lines(derive, text)[0] == f"LoadCredentialEncrypted=hsm-pin:{place}"
