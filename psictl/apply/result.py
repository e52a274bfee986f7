"""What ``apply`` did, for the command to tell."""

from dataclasses import dataclass

from psi.shared.processes import Process


@dataclass(frozen=True)
class ApplyResult:
    """What ``apply`` did."""

    generation: int
    """The one in force; 0 where only a check was asked for and there is none."""
    notices: tuple[str, ...]
    """Lines to show."""
    written: bool = False
    """Whether another is in force than before: an unchanged configuration makes none."""
    changed: tuple[Process, ...] = ()
    """Services to which it says something new; they need a restart, the others do not."""
    restarted: tuple[str, ...] = ()
    """Services and timers that were restarted for it, each ready again."""
    started: tuple[str, ...] = ()
    """Those that it needs and the one before did not, or that had failed."""
    stopped: tuple[str, ...] = ()
    """Those that have nothing to do any more."""
    failed: tuple[str, ...] = ()
    """What did not follow, a line each; the generation is in force all the same."""
