"""Brings systemd and the services in line with the generation in force, and touches no others.

What they run is noted by the link ``loaded`` (store.py), and a unit is unsettled from before its
restart until it is active: so an ``apply`` that was ended midway, and a service that did not come
up, are made good by the next, be it one that goes back.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psi.shared.processes import Process
from psictl.apply.generation import Content, neutral
from psictl.apply.naming import drop_in_name, file_name
from psictl.apply.store import Store
from psictl.apply.systemctl import Manager
from psictl.apply.units.names import REFRESH_TIMER, SEALER_SOCKETS, TARGET

_RUNNING: Final = frozenset({"active", "activating", "reloading"})
"""An ``activating`` one may be waiting for its next attempt, with the old configuration."""


@dataclass(frozen=True)
class Member:
    """A unit that a configuration may change."""

    unit: str
    sockets: tuple[str, ...] = ()
    """Started and stopped with it."""
    process: Process | None = None
    optional: bool = False
    """Whether it runs only where there is a drop-in for it."""

    @property
    def name(self) -> str:
        """What a person calls it."""
        return str(self.process or self.unit)

    def is_needed(self, content: Content) -> bool:
        """Tell whether it has something to do."""
        return not self.optional or drop_in_name(self.unit) in content.drop_ins

    def part(self, content: Content, config_dir: Path) -> tuple[bytes | None, bytes | None]:
        """Return what a generation says to it."""
        file = file_name(self.process) if self.process else ""
        units = neutral(content.drop_ins, content.number, config_dir)
        return content.projections.get(file), units.get(drop_in_name(self.unit))


MEMBERS: Final = (
    Member(Process.SEALER.unit, SEALER_SOCKETS, Process.SEALER, optional=True),
    Member(Process.BROKER.unit, process=Process.BROKER),
    Member(Process.PKI.unit, process=Process.PKI),
    Member(Process.FRONTEND.unit, process=Process.FRONTEND),
    Member(REFRESH_TIMER, optional=True),
)
"""In the order of restarts: servers before their callers, who then find them new."""


@dataclass
class Outcome:
    """What was done about a generation."""

    reloaded: bool = True
    """Whether systemd has read it; until then it may start a service by an older one."""
    restarted: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Lines to show, each with a remedy."""
    unsettled: list[str] = field(default_factory=list)
    """The units that did not follow."""
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Activation:
    """One generation, and who is to run it."""

    store: Store
    manager: Manager
    config_dir: Path

    def run(self, now: Content) -> Outcome:
        """Reload systemd and restart what changed since the generation that was loaded last.

        Raises OSError where it cannot be noted what is loaded; nothing was restarted then.
        """
        base = self.store.loaded()
        if base == now.number and not self.store.unsettled():
            return Outcome()
        if not self.manager.booted():
            self._settle(now, ())
            return Outcome(notices=["systemd does not run here: no service was restarted"])
        return self._bring_in_line(now, self.store.read(base))

    def _settle(self, now: Content, unsettled: Collection[str]) -> None:
        self.store.note_loaded(now.number)
        self.store.note_unsettled(unsettled)

    def _bring_in_line(self, now: Content, before: Content | None) -> Outcome:
        outcome, unsettled = Outcome(), self.store.unsettled()
        members = [
            each for each in MEMBERS if each.unit in unsettled or self._differs(each, now, before)
        ]
        try:
            self.manager.reload()
            states = self.manager.states([TARGET, *_units(members)])
        except PsiError as error:
            told = f"generation {now.number} is on disk, but systemd was not told: {error}"
            return Outcome(reloaded=False, failed=[f"{told}; then: psictl apply"])
        self.store.note_unsettled(unsettled | {each.unit for each in members})
        for member in members:
            if member.is_needed(now):
                is_new = member.unit in unsettled or not _was_needed(member, before)
                self._renew(member, states, outcome, is_new=is_new)
        for member in members:
            if not member.is_needed(now):
                self._retire(member, states, outcome)
        if states[TARGET] not in _RUNNING:
            outcome.notices.append(f"{TARGET} is not active: systemctl enable --now {TARGET}")
        self._settle(now, outcome.unsettled)
        return outcome

    def _differs(self, member: Member, now: Content, before: Content | None) -> bool:
        if before is None and member.optional:
            return True
        said = (None, None) if before is None else member.part(before, self.config_dir)
        return member.part(now, self.config_dir) != said

    def _renew(
        self, member: Member, states: Mapping[str, str], outcome: Outcome, *, is_new: bool
    ) -> None:
        """Restart a unit that runs or failed; start one that is new, where PSI is meant to run.

        A person's ``systemctl stop`` holds, but not what a wrong configuration ended.
        """
        state = states[member.unit]
        wanted = states[TARGET] in _RUNNING and (is_new or state == "failed")
        try:
            if state in _RUNNING:
                self.manager.restart(member.unit)
                outcome.restarted.append(member.name)
            elif wanted:
                self.manager.start((*member.sockets, member.unit))
                outcome.started.append(member.name)
        except PsiError as error:
            outcome.unsettled.append(member.unit)
            outcome.failed.append(
                f"{member.unit} did not get active ({error}); see journalctl -u {member.unit} -n 50"
            )

    def _retire(self, member: Member, states: Mapping[str, str], outcome: Outcome) -> None:
        """Stop a unit that has nothing to do any more, its sockets first: it may hold a key."""
        units = (*member.sockets, member.unit)
        if all(states[unit] == "inactive" for unit in units):
            return
        try:
            self.manager.stop(units)
            outcome.stopped.append(member.name)
        except PsiError as error:
            outcome.unsettled.append(member.unit)
            outcome.failed.append(f"{member.unit} is not needed any more and did not stop: {error}")


def _was_needed(member: Member, before: Content | None) -> bool:
    return before is not None and member.is_needed(before)


def _units(members: list[Member]) -> list[str]:
    return [unit for member in members for unit in (*member.sockets, member.unit)]
