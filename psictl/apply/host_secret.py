"""The host secret: 32 random bytes that root alone has, made once and never replaced.

The sealer mixes it into every key (HKDF), so that whoever can use the device, and can seal a key
of his own with it, still cannot forge a cache. Without it nothing sealed on this host opens.
"""

import contextlib
import os
import secrets
import stat

from psi.shared.errors import PsiError
from psictl.apply import folder

NAME = "host-secret"
BYTES = 32
"""The output length of SHA-256, which HKDF is used with."""
_NEW = ".host-secret-new"


def keep_host_secret(config_dir: int) -> None:
    """Make the secret where there is none; the caller holds the folder's lock.

    Raises PsiError for one that cannot be the one that was made, OSError where the disk refuses.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_NEW, dir_fd=config_dir)
    try:
        _check(config_dir)
    except FileNotFoundError:
        folder.write_file(_NEW, secrets.token_bytes(BYTES), config_dir)
        # A link, unlike a rename, never takes the place of what is there.
        os.link(_NEW, NAME, src_dir_fd=config_dir, dst_dir_fd=config_dir)
        os.unlink(_NEW, dir_fd=config_dir)
        os.fsync(config_dir)


def _check(config_dir: int) -> None:
    status = os.stat(NAME, dir_fd=config_dir, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode) or status.st_size != BYTES:
        raise PsiError(
            f"{NAME} is not the file of {BYTES} bytes that psictl apply once made: restore it "
            "from a backup; moving it away makes a new one, and then nothing sealed before opens"
        )
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise PsiError(f"{NAME} is open to others than root; chown it to root and chmod 0600 it")
