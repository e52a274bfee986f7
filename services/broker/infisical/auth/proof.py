"""What the latch hashes: all that a refusal depends on, in one string."""

from typing import Protocol

from psi.shared.secret import SecretBytes


class Named(Protocol):
    """The public half of a proof."""

    @property
    def name(self) -> str:
        """The method."""
        ...

    @property
    def identity(self) -> str:
        """Who logs in."""
        ...


def proof_of(method: Named, *parts: SecretBytes | str) -> SecretBytes:
    """Return method, identity and the parts that the configuration or a secret gives."""
    words = [method.name.encode(), method.identity.encode()]
    words += [part.encode() if isinstance(part, str) else part.reveal() for part in parts]
    return SecretBytes(b"\0".join(words))
