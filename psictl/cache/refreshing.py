"""``psictl cache refresh``: every page of what it did, summed up, and its exit code."""

from dataclasses import dataclass
from typing import Any

from psi.shared.messages import broker as b
from psi.shared.messages import broker_cache as k
from psictl.catalogue import printable_findings
from psictl.client import BrokerClient
from psictl.paging import all_pages

COUNTS = ("sources", "failed", "added", "changed", "unchanged", "withdrawn", "withdrawing")


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did to the cache."""

    counts: dict[str, int]
    findings: tuple[b.Finding, ...]

    @property
    def exit_code(self) -> int:
        """5 where every source failed, 3 where one did or something was refused, else 0."""
        failed = self.counts["failed"]
        if failed and failed == self.counts["sources"]:
            return 5
        return 3 if failed or any(found.kind == "refused" for found in self.findings) else 0

    def summary(self) -> str:
        """Return one line for a person."""
        counts = self.counts
        parts = [f"{counts[name]} {name}" for name in COUNTS[2:] if counts[name]] or ["no values"]
        sources = f"{counts['sources'] - counts['failed']} of {counts['sources']} sources"
        return f"{sources}: {', '.join(parts)}"

    def messages(self) -> list[str]:
        """Return what a person must read, one line each."""
        told = [
            f"{found.subject}: {found.detail}" + (" (notice)" if found.kind == "notice" else "")
            for found in self.findings
        ]
        if self.counts["withdrawing"]:
            told.append(
                f"{self.counts['withdrawing']} values are gone from their source; a second refresh "
                "at least 10 minutes from now withdraws them"
            )
        return told

    def fields(self) -> dict[str, Any]:
        """Return what ``--json`` shows."""
        findings = [
            {"kind": found.kind, "subject": found.subject, "detail": found.detail}
            for found in self.findings
        ]
        return {**self.counts, "findings": findings, "exit": self.exit_code}


def refresh(client: BrokerClient, *, confirm: bool) -> Refreshed:
    """Have the broker list every source; raises as ControlClient.call."""
    pages = all_pages(
        client,
        lambda at: (k.Refresh(confirm=confirm, cursor=at), k.RefreshReply),
    )
    counts = {name: getattr(pages[0], name) for name in COUNTS}
    findings = printable_findings(found for page in pages for found in page.findings)
    return Refreshed(counts, tuple(findings))
