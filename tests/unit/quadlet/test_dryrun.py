"""The check by quadlet's dry run, with a stand-in that prints what 5.4.2 does."""

import sys
from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psi.shared.projection import KeyOptions
from psictl.quadlet.dropin import ORDER_FILE, SECRETS_FILE, render_order, render_secrets
from psictl.quadlet.dryrun import check_dropins, find_generator
from psictl.quadlet.secret_line import SecretUse

QUADLET = f"{sys.executable} {Path(__file__).parents[2] / 'fakes' / 'podman_fake' / 'quadlet'}"
USES = [
    SecretUse("DB_HOST"),
    SecretUse("tls.crt", KeyOptions(type="mount", target="/etc/%i.crt", uid=0, mode="0440")),
]


def texts(workload: str = "myapp") -> dict[str, str]:
    order = render_order(["a.service", "b.service"])
    return {SECRETS_FILE: render_secrets(workload, USES), ORDER_FILE: order}


def generator(folder: Path, script: str) -> Path:
    """Return a generator that is a shell script."""
    path = folder / "quadlet"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def quadlet(tmp_path: Path) -> Path:
    return generator(tmp_path, f"exec {QUADLET}")


@pytest.mark.parametrize("workload", ["myapp", "w@"])
def test_psis_own_dropins_pass(quadlet: Path, workload: str) -> None:
    check_dropins(quadlet, f"{workload}.container", texts(workload))


def test_empty_texts_pass(quadlet: Path) -> None:
    check_dropins(quadlet, "myapp.container", {SECRETS_FILE: "", ORDER_FILE: ""})


@pytest.mark.parametrize(
    "lines",
    [
        "Secret=myapp--X,type=env,target=X\nPodmanArgs=--privileged",
        "Secret=myapp--X --privileged",
        "Secret=",
    ],
)
def test_anything_beside_the_secrets_is_found(quadlet: Path, lines: str) -> None:
    with pytest.raises(PsiError, match=r"dry run of myapp\.container"):
        check_dropins(quadlet, "myapp.container", {SECRETS_FILE: f"[Container]\n{lines}\n"})


def test_a_key_that_quadlet_refuses_is_told_in_its_words(quadlet: Path) -> None:
    with pytest.raises(PsiError, match="unsupported key 'Sekret'"):
        check_dropins(quadlet, "myapp.container", {SECRETS_FILE: "[Container]\nSekret=x\n"})


def test_a_quadlet_that_ignores_dropins_is_found(tmp_path: Path) -> None:
    old = generator(tmp_path, f'rm -rf "$QUADLET_UNIT_DIRS"/*.d; exec {QUADLET}')
    with pytest.raises(PsiError, match=r"Podman 5\.0"):
        check_dropins(old, "myapp.container", texts())


def test_a_quadlet_that_loses_a_secret_is_found(tmp_path: Path) -> None:
    losing = generator(tmp_path, f"{QUADLET} | sed 's/--secret myapp--DB_HOST[^ ]* //'")
    with pytest.raises(PsiError, match="exactly the secrets"):
        check_dropins(losing, "myapp.container", texts())


def test_a_quadlet_that_makes_no_service_is_found(tmp_path: Path) -> None:
    with pytest.raises(PsiError, match=r"made no myapp\.service"):
        check_dropins(generator(tmp_path, "exit 0"), "myapp.container", texts())


def test_a_quadlet_that_cannot_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(PsiError, match="repair podman"):
        check_dropins(tmp_path / "none", "myapp.container", texts())


def test_the_first_generator_that_exists_is_found(tmp_path: Path) -> None:
    found = generator(tmp_path, "exit 0")
    assert find_generator([tmp_path / "none", found]) == found


def test_a_host_without_a_generator_has_none(tmp_path: Path) -> None:
    assert find_generator([tmp_path / "none"]) is None
