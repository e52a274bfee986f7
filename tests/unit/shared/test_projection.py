"""Projections travel by file: what apply writes is what a service reads, and nothing else is."""

import msgspec
import pytest

from psi.shared.errors import ConfigError
from psi.shared.limits import DEPENDENCIES
from psi.shared.projection import (
    BrokerProjection,
    Infisical,
    KeyOptions,
    Project,
    Source,
    UniversalAuth,
    WorkloadConfig,
    decode_projection,
    encode_projection,
)
from psi.shared.secret import SecretBytes

AUTH = UniversalAuth(client_id="id", client_secret=SecretBytes(b"hunter2"))
PROJECTION = BrokerProjection(
    generation=1,
    config_sha256="0" * 64,
    state_dir="/var/lib/psi",
    infisical=Infisical(
        api_url="https://app.infisical.com",
        auth=AUTH,
        projects={"mine": Project(id="uuid", environment="prod")},
    ),
    workloads={
        "app@": WorkloadConfig(
            unit="app@.container",
            sources=[Source(project="mine")],
            depends_on=["x.service"],
            keys={"A": KeyOptions(mode="0400", uid=0)},
        )
    },
)


def _spoiled(**changes: object) -> bytes:
    tree = msgspec.json.decode(encode_projection(PROJECTION))
    return msgspec.json.encode({**tree, **changes})


def _workload(**changes: object) -> dict[str, object]:
    workload = {"unit": "app.container", "sources": [], **changes}
    return {"app": workload}


def test_a_projection_comes_back_whole() -> None:
    decoded = decode_projection(encode_projection(PROJECTION), BrokerProjection)
    assert decoded == PROJECTION
    assert decoded.infisical.auth == AUTH


def test_a_projection_does_not_show_its_secret() -> None:
    assert "hunter2" not in repr(PROJECTION)
    assert b"hunter2" in encode_projection(PROJECTION)


def test_a_spoiled_projection_that_is_none_decodes() -> None:
    assert decode_projection(_spoiled(generation=2), BrokerProjection).generation == 2
    data = _spoiled(workloads=_workload(depends_on=["a.service"] * DEPENDENCIES))
    assert decode_projection(data, BrokerProjection).workloads["app"].on_change == "none"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "not valid"),
        (b"{}", "missing required field"),
        (b"[" * 100_000, "not valid"),
        (b'{"state_dir": "\xff"}', "not valid"),
        (_spoiled(extra=1), "unknown field `extra`"),
        (_spoiled(generation=0), "generation"),
        (_spoiled(config_sha256="0" * 64 + "\n"), "config_sha256"),
        (_spoiled(workloads={"wind-": {}}), "workloads"),
        (_spoiled(workloads=_workload(unit="app.container\n")), "unit"),
        (_spoiled(workloads=_workload(depends_on=["x.service\nWants=y"])), "depends_on"),
        (
            _spoiled(workloads=_workload(depends_on=["a.service"] * (DEPENDENCIES + 1))),
            "depends_on",
        ),
        (_spoiled(workloads=_workload(keys={"A": {"mode": "0999"}})), "mode"),
        (_spoiled(allow=[{"project": "mine", "path": "/", "key": 1}]), "allow"),
        (_spoiled(cache="floppy"), "cache"),
    ],
    ids=lambda value: ascii(value)[-40:],
)
def test_a_bad_projection_is_an_error_of_the_configuration(data: bytes, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        decode_projection(data, BrokerProjection)
    assert told in str(caught.value)
    assert "psictl apply" in str(caught.value)
    assert "hunter2" not in str(caught.value)
