"""Which identity speaks for which project, and one keeper for each."""

import hashlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from psi.broker.infisical.auth.methods import MethodMaker
from psi.broker.infisical.auth.secret_reader import SecretReader
from psi.broker.infisical.auth.surroundings import load_surroundings
from psi.broker.infisical.auth_method import AuthMethod
from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.broker.infisical.token_keeper import State, TokenKeeper
from psi.shared.projection import Auth, Infisical
from psi.shared.secret import SecretBytes
from psi.shared.text import ascii_line

_HASH_CHARACTERS = 12

KeeperFactory = Callable[[AuthMethod, str], TokenKeeper]
"""Makes a keeper from a method and the slot that its files are named by."""


@dataclass(frozen=True, slots=True)
class LoginOutcome:
    """How one auth configuration fared; ``expires_at`` is in epoch seconds, 0 when not ok."""

    scope: str
    method: str
    identity: str
    ok: bool
    detail: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class IdentityState:
    """One auth configuration's token; ``refused`` is latched, ``expires_at`` in epoch seconds."""

    scope: str
    method: str
    identity: str
    state: State
    expires_at: float


class IdentityBook:
    """The keepers by scope: ``global``, ``project:ALIAS``; equal configurations share one."""

    def __init__(
        self,
        config: Infisical,
        credentials: Callable[[str], SecretBytes],
        make_keeper: KeeperFactory,
        open_exchange: Callable[[ssl.SSLContext], Exchange],
    ) -> None:
        self._maker = MethodMaker(
            config, SecretReader(credentials), load_surroundings(config.proxy), open_exchange
        )
        self._make_keeper = make_keeper
        self._made: list[tuple[Auth, TokenKeeper]] = []
        self._slots: dict[str, int] = {}
        self.scopes: dict[str, TokenKeeper] = {}
        if config.auth is not None:
            self.scopes["global"] = self._keeper(config.auth)
        for alias, project in config.projects.items():
            if project.auth is not None:
                self.scopes[f"project:{alias}"] = self._keeper(project.auth)

    def keeper_of(self, project: str) -> TokenKeeper:
        """Return a project's own keeper or the global one; raises UpstreamError for neither."""
        keeper = self.scopes.get(f"project:{project}", self.scopes.get("global"))
        if keeper is None:
            text = f"project {ascii_line(project, 63)} has no auth; configure it, then psictl apply"
            raise UpstreamError(Kind.REFUSED, text)
        return keeper

    def shown(self) -> dict[str, tuple[str, str]]:
        """Return each scope's method and identity, cut and cleaned for a message."""
        return {
            scope: (ascii_line(keeper.method.name, 64), ascii_line(keeper.method.identity))
            for scope, keeper in self.scopes.items()
        }

    def keepers(self) -> list[TokenKeeper]:
        """Return every keeper once."""
        return [keeper for _, keeper in self._made]

    def _keeper(self, auth: Auth) -> TokenKeeper:
        for known, keeper in self._made:
            if known == auth:
                return keeper
        method = self._maker.make(auth)
        keeper = self._make_keeper(method, self._slot(method))
        self._made.append((auth, keeper))
        return keeper

    def _slot(self, method: AuthMethod) -> str:
        """Return the name part of an identity's files.

        The first 12 hex digits of SHA-256 over method and identity; a number follows where a
        second configuration has the same identity with another secret.
        """
        named = f"{method.name}\0{method.identity}".encode()
        slot = hashlib.sha256(named).hexdigest()[:_HASH_CHARACTERS]
        count = self._slots[slot] = self._slots.get(slot, 0) + 1
        return slot if count == 1 else f"{slot}.{count}"
