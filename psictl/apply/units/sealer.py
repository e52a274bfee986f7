"""psi-sealer.service: what it reads, and the one device that it may use."""

import grp
from pathlib import Path
from typing import Final

from psi.shared.processes import Process
from psi.shared.projection import SealerProjection
from psictl.apply.host_secret import NAME as HOST_SECRET
from psictl.apply.units.circumstances import Circumstances
from psictl.apply.units.credentials import load_line, named_lines, projection_line
from psictl.apply.units.dropin import Sections
from psictl.apply.units.mounts import code, shared, shown
from psictl.apply.units.sight import is_below, sealer_sees
from psictl.apply.units.words import word
from psictl.config.projection import credentials

_DEVICE: Final = "device:"
"""How tpm2-tss names a device node (Tss2_TctiLdr_Initialize(3))."""
_TPM_GROUP: Final = "tss"
"""Which udev gives the node (tpm-udev, tpm2-abrmd), where it is not there yet to be asked."""
_SOFTHSM: Final = "libsofthsm2.so"
_READERS: Final = "/run/pcscd"
"""The folder of pcscd's socket; a bound socket file would go stale when pcscd restarts."""


def sealer_sections(host: Circumstances) -> Sections:
    """Return the sealer's settings; none where nothing is kept at rest."""
    if host.sealer is None:
        return {}
    read = [
        projection_line(host, Process.SEALER),
        load_line(HOST_SECRET, host.layout.config_dir / HOST_SECRET),
        *named_lines(host, credentials(host.sealer)),
    ]
    if host.sealer.backend == "tpm":
        return {"Service": read + _tpm_lines(host, host.sealer)}
    if host.sealer.pkcs11 is not None:
        return _pkcs11_sections(host, read, host.sealer.pkcs11.module)
    return {"Service": read}


def _tpm_lines(host: Circumstances, sealer: SealerProjection) -> list[str]:
    """Return what opens the TPM.

    The node may be missing (``-``): the sealer then starts, and says that its device is gone.
    """
    device = sealer.tpm.tcti.removeprefix(_DEVICE)
    group = _device_group(host, device)
    return [
        f"DeviceAllow={word(device)} rw",
        f"BindPaths={word('-' + device)}",
        *_group_lines(group),
    ]


def _device_group(host: Circumstances, device: str) -> str:
    try:
        number = Path(device).stat().st_gid
    except OSError:
        return _TPM_GROUP if host.has_group(_TPM_GROUP) else ""
    if number == 0:
        return ""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _group_lines(group: str) -> list[str]:
    return [f"SupplementaryGroups={word(group)}"] if group else []


def _pkcs11_sections(host: Circumstances, read: list[str], module: str) -> Sections:
    lines = read + _module_lines(module)
    if Path(module).name == _SOFTHSM:
        group = "softhsm" if host.has_group("softhsm") else ""
        lines += [
            *shown("/etc/softhsm"),
            *shared("/var/lib/softhsm"),
            *_group_lines(group),
        ]
        return {"Service": lines}
    readers = ["Wants=pcscd.socket", "After=pcscd.socket"]
    lines += [*shown("/etc/opensc"), *shared(_READERS)]
    return {"Unit": readers, "Service": lines}


def _module_lines(module: str) -> list[str]:
    """Return what lets a module be loaded; the shipped unit may map code of /usr/lib."""
    folder = str(Path(module).parent)
    if is_below(module, "/usr/lib"):
        return []
    return code(folder, is_seen=sealer_sees(module))
