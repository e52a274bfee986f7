"""Where the keyslot file lies, and how it is replaced: whole, or not at all.

There is no second copy that updates with it: a removed slot must be gone, and a rename leaves
either the old file or the new one. Only ``--force`` keeps what it replaces. All of it blocks.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from psi.sealer.device_error import DeviceError
from psi.sealer.keyslot_file import FILE_BYTES, KeyslotFile
from psi.shared.atomic_file import create_file, replace_file, sweep_temporaries
from psi.shared.messages.sealer import SealerError

NAME = "keyslots"


class KeyslotStore:
    """The file ``keyslots`` in the sealer's state folder, 0600 in a folder of 0700."""

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], float] = time.time,
        owner: Callable[[], int] = os.geteuid,
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._owner = owner

    def load(self) -> KeyslotFile | None:
        """Return the file, or None where there is none; raises DeviceError (CORRUPT)."""
        try:
            self._check_rights(os.lstat(self.folder), self.folder)
            sweep_temporaries(self.folder)
            data = self._read(self.folder / NAME)
        except FileNotFoundError:
            if not self.folder.is_dir():
                raise _unreadable(self.folder, "No such folder", "run psictl apply") from None
            return None
        except OSError as error:
            remedy = "correct its owner and mode, then restart psi-sealer"
            raise _unreadable(self.folder / NAME, error.strerror, remedy) from error
        return KeyslotFile(data)

    def create(self, file: KeyslotFile) -> None:
        """Write the first file; raises DeviceError: PROVISIONED where there is one, or FULL."""
        with _refused_by_disk():
            try:
                create_file(self.folder, NAME, file.data)
            except FileExistsError:
                raise provisioned() from None

    def replace(self, file: KeyslotFile, over: KeyslotFile | None = None) -> None:
        """Replace the file; raises DeviceError (FULL) and then leaves the old one.

        ``over`` is what the new file was made from: another one on disk is left alone (CORRUPT),
        a file that vanished is written anew.
        """
        found = self.load() if over is not None else None
        if over is not None and found is not None and found.data != over.data:
            cause = "somebody put another keyslot file here while the sealer ran"
            raise _unreadable(self.folder / NAME, cause, "restart psi-sealer and repeat")
        with _refused_by_disk():
            replace_file(self.folder, NAME, file.data)

    def keep_copy(self) -> str | None:
        """Keep what is about to be replaced by force; return the copy's name.

        It is a second link to the same file, so that it needs no space.
        """
        kept = f"{NAME}.replaced-{self._clock():.0f}"
        with _refused_by_disk():
            try:
                os.link(self.folder / NAME, self.folder / kept, follow_symlinks=False)
            except FileNotFoundError:
                return None
            except FileExistsError:
                return kept
        return kept

    def exists(self) -> bool:
        """Whether there is a file, readable or not."""
        return os.path.lexists(self.folder / NAME)

    def _read(self, path: Path) -> bytes:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise _unreadable(path, "it is no regular file", "put the real file back")
            self._check_rights(facts, path)
            return file.read(FILE_BYTES + 1)

    def _check_rights(self, facts: os.stat_result, path: Path) -> None:
        if facts.st_uid != self._owner():
            cause = f"it belongs to uid {facts.st_uid}"
            raise _unreadable(path, cause, "chown it to psi-sealer and restart psi-sealer")
        if facts.st_mode & 0o077:
            cause = f"its mode is {facts.st_mode & 0o777:04o}"
            raise _unreadable(path, cause, "take the rights of group and others away")


def provisioned() -> DeviceError:
    """Return the refusal to overwrite."""
    detail = (
        "there is a keyslot file already: what it wraps would be lost; use psictl cache recover "
        "or add-slot, or --force to start anew"
    )
    return DeviceError(SealerError.PROVISIONED, detail)


def _unreadable(path: Path, cause: str | None, remedy: str) -> DeviceError:
    return DeviceError(SealerError.CORRUPT, f"{path}: {cause}; {remedy}")


@contextmanager
def _refused_by_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        detail = f"the keyslot file cannot be written: {error.strerror}; nothing was changed"
        raise DeviceError(SealerError.FULL, f"{detail}: make room or rights, and repeat") from error
