"""A disk between writer and file."""

from psi.broker.cache_file import CacheFile
from tests.unit.broker_cache.rig import Rig


class Disk:
    """Refuses every write while ``full``, and notes how many are under way at once."""

    def __init__(self, made: Rig) -> None:
        self.full = False
        self.overlaps = 0
        self._inside = 0
        self._file: CacheFile = made.writer._file
        made.writer._file = self  # type: ignore[assignment]  # a disk between writer and file

    def kept(self) -> list[str]:
        return self._file.kept()

    def read(self, name: str = "cache.enc") -> bytes | None:
        return self._file.read(name)

    def write(self, blob: bytes) -> None:
        self._inside += 1
        self.overlaps = max(self.overlaps, self._inside)
        try:
            if self.full:
                raise OSError(28, "No space left on device")
            self._file.write(blob)
        finally:
            self._inside -= 1
