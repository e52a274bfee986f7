"""One ``apply`` under the lock: build, link, switch, activate, clear away, in this order.

Whatever ends it leaves a generation in force that is whole, the old one or the new, and the next
``apply`` completes what is missing. Only what systemd reads no more is cleared away.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from psi.shared.errors import PsiError
from psi.shared.processes import Process
from psictl.apply.activation import Activation, Outcome
from psictl.apply.derive import Derived, derive
from psictl.apply.generation import Content, Generation
from psictl.apply.host_secret import keep_host_secret
from psictl.apply.links import missing_links, place_links, remove_links
from psictl.apply.naming import file_name, unit_name
from psictl.apply.result import ApplyResult
from psictl.apply.store import Store
from psictl.apply.systemctl import Manager
from psictl.config import LoadedConfig
from psictl.layout import Layout


@dataclass(frozen=True)
class Transaction:
    """The store is open and locked; without a manager there is no systemd to tell."""

    store: Store
    layout: Layout
    manager: Manager | None

    def publish(self, loaded: LoadedConfig, config: Path) -> ApplyResult:
        """Put a configuration in force, as a new generation where it says anything new.

        Raises ConfigError for what this host lacks, OSError and PsiError where it cannot be
        written.
        """
        self.store.roll_forward()
        current = self.store.read(self.store.in_force())
        derived = self._derive(loaded, current)
        if file_name(Process.SEALER) in derived.projections:
            keep_host_secret(self.store.config)
        if current is not None and self._is_in_force(loaded, derived, current):
            return self._finish(current, current, ApplyResult(current.number, loaded.notices))
        previous = current.number if current else 0
        manifest = Generation(
            derived.number, loaded.sha256, time.time(), str(config.absolute()), previous
        )
        new = Content(manifest, derived.projections, derived.drop_ins)
        changed = derived.changed(current, self.layout.config_dir)
        result = ApplyResult(new.number, loaded.notices, written=True, changed=changed)
        return self._finish(new, current, result)

    def go_back(self) -> ApplyResult:
        """Put the generation in force that was so before the one that is; raises as publish."""
        self.store.roll_forward()
        current = self.store.read(self.store.in_force())
        before = self.store.read(current.manifest.previous) if current else None
        if current is None or before is None:
            raise PsiError(
                "there is no whole generation before the one in force; correct the "
                "configuration, then psictl apply"
            )
        back = Derived(before.number, before.projections, before.drop_ins)
        changed = back.changed(current, self.layout.config_dir)
        result = ApplyResult(before.number, (), written=True, changed=changed)
        return self._finish(before, current, result)

    def _derive(self, loaded: LoadedConfig, current: Content | None) -> Derived:
        return derive(
            loaded,
            self.store.next_number(),
            self.layout,
            current.projections if current else {},
            for_systemd=self.manager is not None,
        )

    def _is_in_force(self, loaded: LoadedConfig, derived: Derived, current: Content) -> bool:
        return current.manifest.config_sha256 == loaded.sha256 and derived.says_the_same(
            current, self.layout.config_dir
        )

    def _finish(
        self, content: Content, current: Content | None, result: ApplyResult
    ) -> ApplyResult:
        """Put a generation in force, unless it is, and have everything follow."""
        self._link(content.drop_ins, current)
        if current is None or content.number != current.number:
            if self.store.read(content.number) is None:
                self.store.build(content)
            self.store.switch(content.number)
        outcome = Outcome() if self.manager is None else self._activate(content, self.manager)
        notices = [*result.notices, *outcome.notices, *self._clear_away(content, outcome)]
        return replace(
            result,
            notices=tuple(notices),
            restarted=tuple(outcome.restarted),
            started=tuple(outcome.started),
            stopped=tuple(outcome.stopped),
            failed=tuple(outcome.failed),
        )

    def _link(self, drop_ins: Collection[str], current: Content | None) -> None:
        """Have systemd find what the generation will hold, before it is in force."""
        if self.manager is None:
            return
        missing = missing_links(self.layout, drop_ins)
        taken = set(missing) & set(current.drop_ins) if current else set()
        if taken:
            # Somebody took a link away: it is open what systemd read since.
            self.store.note_unsettled(self.store.unsettled() | set(map(unit_name, taken)))
        place_links(self.layout, missing)

    def _activate(self, content: Content, manager: Manager) -> Outcome:
        try:
            return Activation(self.store, manager, self.layout.config_dir).run(content)
        except OSError as error:
            raise PsiError(
                f"generation {content.number} is in force, but what runs it could not be noted: "
                f"{error.strerror}; free or mend {self.layout.config_dir}, then psictl apply"
            ) from error

    def _clear_away(self, content: Content, outcome: Outcome) -> list[str]:
        """Remove what no generation needs; the one in force is so whether that succeeds or not."""
        told: list[str] = []
        if self.manager is not None:
            told += _told(lambda: remove_links(self.layout, content.drop_ins), "an old drop-in")
        if outcome.reloaded:
            kept = (content.number, content.manifest.previous, self.store.loaded())
            told += _told(lambda: self.store.prune(kept), "an old generation")
        return told


def _told(remove: Callable[[], None], what: str) -> list[str]:
    try:
        remove()
    except OSError as error:
        return [f"{what} could not be removed: {error.strerror}"]
    return []
