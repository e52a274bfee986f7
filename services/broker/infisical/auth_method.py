"""What a way to log in must offer; each method is one file of the folder ``auth``."""

from typing import Protocol

from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.wire import WireToken
from psi.shared.secret import SecretBytes


class AuthMethod(Protocol):
    """One identity's way to prove itself."""

    @property
    def name(self) -> str:
        """The method, as configured: ``universal-auth``."""
        ...

    @property
    def identity(self) -> str:
        """The identity or client id; no secret."""
        ...

    @property
    def minted(self) -> bool:
        """Whether the platform mints a new proof for each login; ``proof`` cannot tell it then."""
        ...

    @property
    def given(self) -> bool:
        """Whether the token was made by someone else: it is not ours to revoke."""
        ...

    def proof(self) -> SecretBytes:
        """Return all that a refusal depends on; the latch keeps a salted hash of it (r14).

        Raises UpstreamError when the credential cannot be read.
        """
        ...

    async def login(self, exchange: Exchange) -> WireToken:
        """Log in, once; raises UpstreamError."""
        ...
