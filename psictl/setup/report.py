"""What a setup run did to each secret and workload, and the exit code that follows from it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from psi.shared.messages.broker import Finding

_WORST_FIRST: Final = (4, 5, 2, 1, 3, 0)
"""Unreachable and temporary come first: a unit that sees them tries again, and then meets the
rest; of what stays, a failure outweighs a refusal."""


def worst_exit(codes: Iterable[int]) -> int:
    """Return the exit code that a run of several parts ends with."""
    return min(codes, key=_WORST_FIRST.index, default=0)


class Outcome(StrEnum):
    """What became of one secret."""

    KEPT = "kept"
    CREATED = "created"
    REPLACED = "replaced"
    FOREIGN = "foreign"
    """Its name is held by a secret that is not ours, which was left alone."""
    DRIFTED = "drifted"
    """Registered, and no longer in the workload's sources."""
    FAILED = "failed"

    @property
    def exit_code(self) -> int:
        """What the command ends with if nothing worse happens."""
        return {"foreign": 3, "drifted": 3, "failed": 1}.get(self, 0)


@dataclass(frozen=True)
class SecretResult:
    """One secret, by Podman's name; the id where this run knows it."""

    name: str
    outcome: Outcome
    detail: str = ""
    id: str = ""

    def fields(self) -> dict[str, str]:
        """Return what ``--json`` shows."""
        return {
            "name": self.name, "outcome": self.outcome, "id": self.id, "detail": self.detail
        }  # fmt: skip  # one row, one object


@dataclass
class WorkloadReport:
    """One workload; ``error`` is why it stopped half-way, with its exit code."""

    workload: str
    unit: str = ""
    results: list[SecretResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dropins: list[str] = field(default_factory=list)
    error: str = ""
    error_code: int = 0

    @property
    def exit_code(self) -> int:
        """The worst of all that happened to this workload."""
        refused = 3 if any(finding.kind == "refused" for finding in self.findings) else 0
        return worst_exit(
            [self.error_code, refused, *(result.outcome.exit_code for result in self.results)]
        )

    def fields(self) -> dict[str, Any]:
        """Return what ``--json`` shows."""
        return {
            "workload": self.workload,
            "unit": self.unit,
            "secrets": [result.fields() for result in self.results],
            "findings": [
                {"kind": found.kind, "subject": found.subject, "detail": found.detail}
                for found in self.findings
            ],
            "notes": self.notes,
            "dropins_changed": self.dropins,
            "error": self.error,
            "exit": self.exit_code,
        }

    def summary(self) -> str:
        """Return one line for a person."""
        if self.error and not self.results:
            return f"{self.workload}: nothing was changed"
        counts = Counter(result.outcome for result in self.results)
        parts = [f"{count} {outcome}" for outcome, count in counts.items()] or ["no secrets"]
        parts += [f"{name} changed" for name in self.dropins]
        return f"{self.workload}: {', '.join(parts)}" + (" (stopped)" if self.error else "")

    def messages(self) -> list[str]:
        """Return what a person must read, one text each."""
        told = [
            f"{found.subject}: {found.detail}" + (" (notice)" if found.kind == "notice" else "")
            for found in self.findings
        ]
        told += [f"{result.name}: {result.detail}" for result in self.results if result.detail]
        told += [*self.notes, *([self.error] if self.error else [])]
        return [f"{self.workload}: {text}" for text in told]
