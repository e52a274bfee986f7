"""Makes the configured backend; only its library is loaded, and only when a device is asked."""

from pathlib import Path

from psi.sealer.backends.backend import Backend
from psi.sealer.device_error import DeviceError
from psi.shared.messages.sealer import SealerError
from psi.shared.projection import SealerProjection
from psi.shared.secret import SecretBytes


def make_backend(projection: SealerProjection, pin: SecretBytes | None) -> Backend:
    """Return the backend; raises DeviceError (UNSUPPORTED) where its library is missing.

    Blocks while libraries are loaded: called on the device thread.
    """
    try:
        match projection.backend:
            case "tpm":
                from psi.sealer.backends.tpm import TpmBackend  # noqa: PLC0415  # loads libtss2

                return TpmBackend(projection.tpm)
            case "pkcs11":
                return _make_pkcs11(projection, pin)
            case "software":
                from psi.sealer.backends.software import SoftwareBackend  # noqa: PLC0415  # alike

                return SoftwareBackend(Path(projection.state_dir))
    except ImportError as error:
        detail = (
            f"the library of backend {projection.backend} cannot be loaded ({error.name}): "
            "install psi-suite[sealer] for this Python and what it links to"
        )
        raise DeviceError(SealerError.UNSUPPORTED, detail) from error


def _make_pkcs11(projection: SealerProjection, pin: SecretBytes | None) -> Backend:
    if projection.pkcs11 is None:
        detail = "no PKCS#11 token is configured: set sealer.pkcs11 and run psictl apply"
        raise DeviceError(SealerError.UNSUPPORTED, detail)
    from psi.sealer.backends.pkcs11 import Pkcs11Backend  # noqa: PLC0415  # loads python-pkcs11

    return Pkcs11Backend(projection.pkcs11, pin)
