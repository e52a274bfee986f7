"""What encrypts a token for the disk, injected: this package knows no sealer."""

from typing import Protocol


class Sealing(Protocol):
    """Encrypts for this host; both answer soon, for a login waits meanwhile.

    Both raise PsiError where the sealer cannot or does not answer.
    """

    async def seal(self, name: str, content: bytes) -> bytes:
        """Return the content encrypted under a name, which must be given again to open it."""
        ...

    async def open(self, name: str, blob: bytes) -> bytes:
        """Return the content; raises ValueError for what is damaged or has another name."""
        ...
