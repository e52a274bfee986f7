"""Tokens of each kind, made once; a test that changes one makes its own.

The module reads its environment when it is initialised, which is at each open.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.devices.softhsm import SoftHsmToken
from tests.fakes.devices.tpm2_pkcs11 import Tpm2Pkcs11
from tests.unit.sealer_pkcs11.setting import Token


@pytest.fixture(scope="session")
def soft_rsa_token() -> Iterator[SoftHsmToken]:
    with tempfile.TemporaryDirectory(prefix="hsm-") as folder:
        yield SoftHsmToken(Path(folder))


@pytest.fixture(scope="session")
def soft_ec_token() -> Iterator[SoftHsmToken]:
    with tempfile.TemporaryDirectory(prefix="hsm-") as folder:
        yield SoftHsmToken(Path(folder), kind="ec")


@pytest.fixture(scope="session")
def tpm_token() -> Iterator[Tpm2Pkcs11]:
    with tempfile.TemporaryDirectory(prefix="t2p-") as folder, Tpm2Pkcs11(Path(folder)) as token:
        yield token


Use = Callable[[Token], Token]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Lead the module to a token."""

    def lead(token: Token) -> Token:
        for name, value in token.environment.items():
            monkeypatch.setenv(name, value)
        return token

    return lead


@pytest.fixture
def soft_rsa(soft_rsa_token: SoftHsmToken, use: Use) -> SoftHsmToken:
    use(soft_rsa_token)
    return soft_rsa_token


@pytest.fixture
def soft_ec(soft_ec_token: SoftHsmToken, use: Use) -> SoftHsmToken:
    use(soft_ec_token)
    return soft_ec_token


@pytest.fixture
def own(use: Use) -> Iterator[SoftHsmToken]:
    """Make a SoftHSM token with an RSA key for this test alone."""
    with tempfile.TemporaryDirectory(prefix="hsm-") as folder:
        token = SoftHsmToken(Path(folder))
        use(token)
        yield token


@pytest.fixture
def own_tpm(use: Use) -> Iterator[Tpm2Pkcs11]:
    """Make a tpm2-pkcs11 token for this test alone."""
    with tempfile.TemporaryDirectory(prefix="t2p-") as folder, Tpm2Pkcs11(Path(folder)) as token:
        use(token)
        yield token


@pytest.fixture(params=["soft_rsa_token", "soft_ec_token", "tpm_token"])
def token(request: pytest.FixtureRequest, use: Use) -> Token:
    """Each kind of token in turn."""
    return use(request.getfixturevalue(request.param))
