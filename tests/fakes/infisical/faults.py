"""Fault rules: which requests misbehave, how, and how often."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.infisical.messages import Request

KINDS = frozenset(
    {
        "status", "foreign_404", "html_200", "invalid_json", "wrong_type", "redirect", "huge",
        "gzip_bomb", "reset", "hang_before_headers", "hang_in_body", "cut_body", "drip", "delay",
        "hold",
    }
)  # fmt: skip


@dataclass(slots=True)
class FaultRule:
    """One rule; `times` None is for ever, `skip` lets that many matching requests pass first."""

    method: str | None
    path: re.Pattern[str]
    fault: dict[str, Any]
    times: int | None
    skip: int
    client: str | None = None
    hits: int = 0

    def matches(self, request: Request, client: str | None) -> bool:
        """Tell whether a request is meant, whatever `times` and `skip` say."""
        method_fits = self.method is None or self.method == request.method
        client_fits = self.client is None or self.client == client
        return method_fits and client_fits and self.path.search(request.path) is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as JSON, with how often it struck."""
        return {
            "match": {
                "method": self.method,
                "path_regex": self.path.pattern,
                "client_id": self.client,
            },
            "times": self.times,
            "skip": self.skip,
            "fault": self.fault,
            "hits": self.hits,
        }


@dataclass(slots=True)
class FaultRules:
    """The rules in force, tried in the order they came; and the gates that requests wait at."""

    rules: list[FaultRule] = field(default_factory=list)
    cleared: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    held: int = 0

    def add(self, spec: dict[str, Any]) -> None:
        """Add a rule `{"match": {…}, "times", "skip", "fault": {"kind"}}`.

        A match has `method`, `path_regex` and `client_id`, whose requests alone are meant.

        Raises:
            ValueError: for an unknown kind of fault or a bad pattern.

        """
        match, fault = spec.get("match", {}), spec["fault"]
        if fault.get("kind") not in KINDS:
            raise ValueError(f"fault kind {fault.get('kind')!r} is not one of {sorted(KINDS)}")
        try:
            path = re.compile(match.get("path_regex", ""))
        except re.error as error:
            raise ValueError(f"path_regex: {error}") from error
        rule = FaultRule(
            match.get("method"),
            path,
            fault,
            spec.get("times"),
            int(spec.get("skip", 0)),
            match.get("client_id"),
        )
        self.rules.append(rule)

    def take(self, request: Request, client: str | None) -> dict[str, Any] | None:
        """Return the fault that strikes this request, if any, and count it down."""
        for rule in self.rules:
            if rule.times == 0 or not rule.matches(request, client):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            rule.times = None if rule.times is None else rule.times - 1
            rule.hits += 1
            return rule.fault
        return None

    def clear(self) -> None:
        """Drop all rules and let go of every request that waits on one."""
        self.rules.clear()
        self.cleared.set()
        self.cleared = asyncio.Event()
        self.release()

    def release(self) -> int:
        """Let go of all held requests; return how many there were."""
        count = self.held
        self.released.set()
        self.released = asyncio.Event()
        return count
