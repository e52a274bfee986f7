"""The mapping files: one per Podman id, held in memory, written through.

Create-only: an id with other content is refused, so that nobody re-points a workload (r5).
"""

import asyncio
from pathlib import Path

from psi.broker.mapping import BadMapping, Target, encode_mapping, parse_mapping
from psi.shared.atomic_file import create_file, read_file, remove_file
from psi.shared.errors import ConfigError, InvalidName, Refusal
from psi.shared.limits import BODY_BYTES
from psi.shared.log import Log
from psi.shared.messages.broker import BrokerError
from psi.shared.names import parse_secret_id


class MappingStore:
    """All mappings by id; reads never touch the disk."""

    def __init__(self, folder: Path, maximum: int, log: Log) -> None:
        self._folder = folder
        self._maximum = maximum
        self._log = log
        self._by_id: dict[str, Target] = {}
        self._writing = asyncio.Lock()  # Podman stores one at a time anyway
        self._bad: set[str] = set()

    def load(self) -> None:
        """Read every file whose name is an id; one that is no mapping is named and left alone.

        Raises ConfigError when the folder cannot be read.
        """
        try:
            names = sorted(path.name for path in self._folder.iterdir())
        except OSError as error:
            remedy = "create it, owned by psi-broker with mode 0700"
            raise ConfigError(f"state folder {self._folder}: {error.strerror}; {remedy}") from error
        for name in names:
            try:
                secret_id = parse_secret_id(name)
            except InvalidName:
                continue
            self._load_one(secret_id)

    def _load_one(self, secret_id: str) -> None:
        try:
            payload = read_file(self._folder, secret_id, BODY_BYTES + 1)
            self._by_id[secret_id] = parse_mapping(payload)
        except (OSError, BadMapping) as error:
            self._bad.add(secret_id)
            self._log.warning("mapping.unreadable", id=secret_id, cause=error)

    def get(self, secret_id: str) -> Target | None:
        """Return what an id names, from memory."""
        return self._by_id.get(secret_id)

    def entries(self) -> list[tuple[str, Target]]:
        """Return all mappings ordered by id."""
        return sorted(self._by_id.items())

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def bad(self) -> int:
        """How many files of an id are no mapping."""
        return len(self._bad)

    async def store(self, secret_id: str, target: Target) -> None:
        """Write a new mapping to disk, then to memory; equal content is success.

        Raises Refusal: CONFLICT for other content, FULL at the limit or when the disk refuses.
        """
        async with self._writing:
            known = self._by_id.get(secret_id)
            if known == target:
                return
            if known is not None:
                detail = "the id has another mapping; remove the secret and create it anew"
                raise Refusal(BrokerError.CONFLICT, detail)
            if len(self._by_id) >= self._maximum:
                detail = f"{self._maximum} mappings are stored; run podman secret prune or rm"
                raise Refusal(BrokerError.FULL, detail)
            await self._write(secret_id, target)
            self._by_id[secret_id] = target

    async def delete(self, secret_id: str) -> bool:
        """Remove a mapping, from disk before it is acknowledged; tell whether there was one.

        Raises Refusal FULL when the disk refuses.
        """
        async with self._writing:
            try:
                removed = await asyncio.to_thread(remove_file, self._folder, secret_id)
            except OSError as error:
                raise _disk_refusal(error) from error
            self._by_id.pop(secret_id, None)
            self._bad.discard(secret_id)
            return removed

    async def _write(self, secret_id: str, target: Target) -> None:
        payload = encode_mapping(target)
        try:
            await asyncio.to_thread(create_file, self._folder, secret_id, payload)
        except FileExistsError:
            # Unreadable at start, so not in memory: it is somebody's file, not ours to replace.
            detail = "a file of this id exists that is no valid mapping; see the broker's log"
            raise Refusal(BrokerError.CONFLICT, detail) from None
        except OSError as error:
            raise _disk_refusal(error) from error


def _disk_refusal(error: OSError) -> Refusal:
    detail = f"the state folder cannot be written: {error.strerror}; see df and its owner"
    return Refusal(BrokerError.FULL, detail)
