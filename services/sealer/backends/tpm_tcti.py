"""Where the TPM is: checks the path before libtss2 opens it, because its error names no cause.

libtss2 answers 0xa000a for a missing device, a refused one and a file that is no device, and
would write a command into an ordinary file (tcti-device of tpm2-tss 3.2.1, tried).
"""

import errno
import os
import stat
from pathlib import Path

from psi.sealer.device_error import DeviceError
from psi.shared.messages.sealer import SealerError

_REMEDIES = {
    errno.ENOENT: "enable the TPM in the firmware, or set sealer.tpm.device",
    errno.EACCES: "let psi-sealer's unit have it (group tss and DeviceAllow)",
    errno.EPERM: "let psi-sealer's unit have it (group tss and DeviceAllow)",
    errno.EBUSY: "something else holds it: use /dev/tpmrm0, which can be shared",
}


def check_path(tcti: str) -> None:
    """Raise DeviceError (DEVICE_UNAVAILABLE, UNSUPPORTED) unless a device can be at the path.

    ``tcti`` is ``device:PATH``, or ``swtpm:path=PATH`` for an emulator; others could start
    programs or load anything, and are refused.
    """
    kind, _, rest = tcti.partition(":")
    if kind == "device" and rest:
        _check_device(Path(rest))
    elif kind == "swtpm" and rest.startswith("path="):
        _check_socket(Path(rest.removeprefix("path=")))
    else:
        detail = f"{tcti}: not a TPM that PSI can use; set sealer.tpm.device to /dev/tpmrm0"
        raise DeviceError(SealerError.UNSUPPORTED, detail)


def unanswered(tcti: str) -> DeviceError:
    """Return the failure of a TPM whose path is right and that cannot be opened."""
    detail = (
        f"{tcti}: nothing answers there, or libtss2-tcti-{tcti.partition(':')[0]} is not "
        "installed; it is tried again by itself"
    )
    return DeviceError(SealerError.DEVICE_UNAVAILABLE, detail, retry=True)


def _check_device(path: Path) -> None:
    try:
        if not stat.S_ISCHR(path.stat().st_mode):
            raise _unavailable(path, "not a device", "set sealer.tpm.device to /dev/tpmrm0")
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        raise _refused(path, error) from error


def _check_socket(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise _refused(path, error) from error
    if not stat.S_ISSOCK(mode):
        raise _unavailable(path, "not a socket", "start swtpm with it as its --server path")
    if not os.access(path, os.R_OK | os.W_OK):
        raise _unavailable(path, os.strerror(errno.EACCES), "run swtpm as the sealer's user")


def _refused(path: Path, error: OSError) -> DeviceError:
    remedy = _REMEDIES.get(error.errno or 0, "see the kernel's log for tpm")
    return _unavailable(path, error.strerror or type(error).__name__, remedy)


def _unavailable(path: Path, cause: str, remedy: str) -> DeviceError:
    detail = f"TPM {path}: {cause}; {remedy}"
    return DeviceError(SealerError.DEVICE_UNAVAILABLE, detail, retry=True)
