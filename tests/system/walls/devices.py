"""Rows 4 and 6: the TPM is the sealer's, and nothing else of /dev is anybody's."""

import pytest

from tests.system.probe.outcome import Attempt
from tests.system.walls.places import TPM, TUN
from tests.system.walls.wall import SANDBOXES, SERVICES, Wall, all_of, each, tried_by, wall
from tests.system.walls.walled import Walled

BROKER_WITH_CREDENTIAL = "broker+credential"
"""Which gets an encrypted credential, whose key may be the TPM's."""
SEALER_WITH_TPM = "sealer+tpm"
"""Which is let to the TPM, as ``psictl apply`` has it; another device is bound in as well."""
ROW_4 = [
    wall(
        "device",
        TPM,
        walled=all_of(SANDBOXES, "ENOENT")
        | all_of((f"uid psi-{name}" for name in SERVICES), "EACCES")
        | {BROKER_WITH_CREDENTIAL: "ENOENT"},
        twin=SEALER_WITH_TPM,
    ),
]
ROW_6 = [wall("device", TUN, walled={SEALER_WITH_TPM: "EPERM"} | all_of(SANDBOXES, "ENOENT"))]
WALLS: list[Wall] = [*ROW_4, *ROW_6]
HARMLESS = ("device", "/dev/null")
TRIED: dict[str, list[Attempt]] = tried_by(SANDBOXES, HARMLESS) | {
    BROKER_WITH_CREDENTIAL: [("credentials",)]
}


@each(*ROW_4)
def test_04_no_one_but_the_sealer_opens_the_tpm(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)


def test_04_the_credential_let_the_broker_to_the_tpm_but_for_its_own_dev(walled: Walled) -> None:
    """Otherwise the attempt would say nothing about LoadCredentialEncrypted=."""
    assert "tpm" in walled.device_list_with_credential
    assert walled.came_of(BROKER_WITH_CREDENTIAL, ("credentials",)).got == ["config.json", "probe"]


@each(*ROW_6)
def test_06_no_other_device_opens(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)


@pytest.mark.parametrize("who", SANDBOXES)
def test_06_harmless_devices_open(walled: Walled, who: str) -> None:
    assert walled.came_of(who, HARMLESS).got == "opened"
