"""What one refresh did: counted for the reply, with what a person must see."""

from dataclasses import dataclass, field

from psi.shared.messages.broker import Finding
from psi.shared.text import ascii_line, printable


@dataclass
class Tally:
    """What one refresh did."""

    sources: int = 0
    failed: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    withdrawing: int = 0
    findings: list[Finding] = field(default_factory=list)

    def note(self, subject: str, detail: str, *, refused: bool) -> None:
        """Add what a person must see of a source."""
        self.findings.append(
            Finding(
                kind="refused" if refused else "notice",
                subject=printable(subject, 100),
                detail=ascii_line(detail),
            )
        )
