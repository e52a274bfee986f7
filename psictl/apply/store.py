"""Generations on disk, and the one switch between them.

Two folders hold a generation's halves: the projections lie below ``/var/lib/psi-config``, the
drop-ins below ``/etc/psi/generated``, since PID 1 reads them before ``/var`` need be there. Each
half is built under another name, synced and renamed. What puts both in force is the rename of one
link, ``current`` of the drop-ins, which name their projections by the generation's own folder: so
whoever reads sees the old one or the new one, whenever the power goes. ``current`` of the
projections, which psictl reads, follows; where it could not, the next who holds the lock has it.
Below a development root there are no drop-ins, and that link is the switch.
"""

import contextlib
import fcntl
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from psi.shared.errors import UNDECODABLE, PsiError
from psictl.apply import folder
from psictl.apply.generation import CURRENT, MANIFEST, Content, Generation
from psictl.apply.naming import folder_name, folder_number
from psictl.layout import Layout

KEPT: Final = 3
"""Generations on disk: the one in force, and two to look back at after a mistake."""
LOADED: Final = "loaded"
"""Leads to the generation that systemd and its services were last brought in line with."""
UNSETTLED: Final = "unsettled"
"""Units of which it is open what they run, a line each: they were touched, and did not follow."""
_LOCK: Final = ".lock"
_BUILDING: Final = ".building"


@dataclass(frozen=True)
class Store:
    """The two folders, open and locked."""

    config: int
    units: int | None
    """None below a development root."""

    def in_force(self) -> int | None:
        """Return the number of the generation in force."""
        return _number(folder.target_of(CURRENT, self._switch))

    def read(self, number: int | None) -> Content | None:
        """Return a generation, or None where there is none that is whole."""
        if number is None:
            return None
        try:
            files, units = (self._files(number, tree) for tree in (self.config, self.units))
            manifest = msgspec.json.decode(files.pop(MANIFEST), type=Generation)
        except (OSError, KeyError, *UNDECODABLE):
            return None
        return Content(manifest, files, units) if manifest.number == number else None

    def _files(self, number: int, tree: int | None) -> dict[str, bytes]:
        return {} if tree is None else folder.read_files(folder_name(number), tree)

    def next_number(self) -> int:
        """Return a number above every generation's on disk."""
        return max((number for tree in self._trees for number in _numbers(tree)), default=0) + 1

    def build(self, content: Content) -> None:
        """Write a generation that is not in force yet; raises OSError."""
        name = folder_name(content.number)
        manifest = {MANIFEST: msgspec.json.encode(content.manifest)}
        _build(name, {**content.projections, **manifest}, self.config, 0o600)
        if self.units is not None:
            # systemd says of each file that not everybody can read that this has no effect.
            _build(name, content.drop_ins, self.units, 0o644)

    def switch(self, number: int) -> None:
        """Put a generation in force.

        Raises OSError: what was in force before then still is, but for a failure of the very
        last sync, after which either may be. Raises PsiError where the new one is in force, but
        the link that follows could not.
        """
        folder.point(CURRENT, folder_name(number), self._switch)
        if self.units is None:
            return
        try:
            folder.point(CURRENT, folder_name(number), self.config)
        except OSError as error:
            raise PsiError(
                f"generation {number} is in force, but its folder's link was not changed: "
                f"{error.strerror}; mend that file system, then psictl apply completes it"
            ) from error

    def roll_forward(self) -> None:
        """Complete a switch that was ended midway; raises OSError."""
        number = self.in_force()
        if number == _number(folder.target_of(CURRENT, self.config)):
            return
        if number is not None and self.read(number) is not None:
            folder.point(CURRENT, folder_name(number), self.config)

    def loaded(self) -> int | None:
        """Return the generation that systemd runs, and all services that are not unsettled."""
        return _number(folder.target_of(LOADED, self.config))

    def note_loaded(self, number: int) -> None:
        """Note that systemd and all settled services run a generation; raises OSError."""
        folder.point(LOADED, folder_name(number), self.config)

    def unsettled(self) -> frozenset[str]:
        """Return the units of which it is open what they run; raises OSError."""
        try:
            return frozenset(
                folder.read_file(UNSETTLED, self.config).decode("utf-8", "replace").split()
            )
        except FileNotFoundError:
            return frozenset()

    def note_unsettled(self, units: Collection[str]) -> None:
        """Note of which units it is open what they run; raises OSError."""
        if units:
            folder.replace_file(UNSETTLED, "\n".join(sorted(units)).encode(), self.config)
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(UNSETTLED, dir_fd=self.config)
            os.fsync(self.config)

    def prune(self, kept: Collection[int | None]) -> None:
        """Remove all generations but the newest KEPT and those named; raises OSError."""
        for tree in self._trees:
            for number in sorted(_numbers(tree))[:-KEPT]:
                if number not in kept:
                    folder.remove_flat(folder_name(number), tree)

    @property
    def _switch(self) -> int:
        """The folder whose link is the switch."""
        return self.config if self.units is None else self.units

    @property
    def _trees(self) -> tuple[int, ...]:
        return (self.config,) if self.units is None else (self.config, self.units)


@contextlib.contextmanager
def open_store(layout: Layout, *, for_systemd: bool) -> Iterator[Store]:
    """Open both folders, made where they are missing, and hold the lock; others wait.

    Raises OSError, and PsiError where somebody else could change what is in them.
    """
    with contextlib.ExitStack() as stack:
        config = stack.enter_context(folder.open_private(layout.config_dir))
        stack.enter_context(_locked(config))
        units = None
        if for_systemd:
            units = stack.enter_context(folder.open_public(layout.generated))
        yield Store(config, units)


@contextlib.contextmanager
def _locked(config: int) -> Iterator[None]:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(_LOCK, flags, 0o600, dir_fd=config)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _build(name: str, files: Mapping[str, bytes], tree: int, mode: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        folder.remove_flat(_BUILDING, tree)
    os.mkdir(_BUILDING, 0o700, dir_fd=tree)
    with folder.open_folder(_BUILDING, tree) as building:
        for file, data in files.items():
            folder.write_file(file, data, building, mode)
        os.fsync(building)
    os.rename(_BUILDING, name, src_dir_fd=tree, dst_dir_fd=tree)
    os.fsync(tree)


def _number(name: str | None) -> int | None:
    return None if name is None else folder_number(name)


def _numbers(tree: int) -> list[int]:
    return [number for name in folder.names(tree) if (number := folder_number(name))]
