"""A store of sealed secrets without any, and without a sealer."""

from pathlib import Path

from psi.broker.infisical.clock import SystemClock
from psi.broker.sealed_store import SealedStore
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.processes import Process


def no_sealed_secrets() -> SealedStore:
    """Return a store that holds nothing and can seal nothing."""
    nowhere = Path("/nonexistent")
    return SealedStore(nowhere, None, Limits(), SystemClock(), Log(Process.BROKER))
