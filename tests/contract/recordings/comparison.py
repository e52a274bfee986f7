"""Holds an answer against a recording, field by field; each difference names its JSON path.

What a server makes up (ids, times, tags of content, tokens) cannot be equal. Its form must be,
and one value of the recordings must stand for one value of the stand-in, throughout.
"""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.contract.recordings import pem

_HEX = "[0-9a-f]"
_FORMS = {
    "id": re.compile(rf"\A{_HEX}{{8}}-{_HEX}{{4}}-4{_HEX}{{3}}-[89ab]{_HEX}{{3}}-{_HEX}{{12}}\Z"),
    "time": re.compile(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z"),
    "body tag": re.compile(r'\A"[A-Za-z0-9+/]{27}="\Z'),
    "content tag": re.compile(r'\A"[A-Za-z0-9_-]{43}"\Z'),
    "serial number": re.compile(rf"\A{_HEX}{{40}}\Z"),
    "fingerprint": re.compile(r"\A[0-9A-F]{2}(:[0-9A-F]{2}){19}((:[0-9A-F]{2}){12})?\Z"),
    "request id": re.compile(r"\Areq-[A-Za-z0-9]{14}\Z"),
}
_TOKEN = re.compile(r"\A[\w-]+\.[\w-]+\.[\w-]{43}\Z")
_EPOCHS = ("creationEpoch", "iat", "exp")
# Projects were made and set up before the first recording; the seed makes all at one time.
_UNRELATED_TIMES = re.compile(r"\A\$\.projects\[\d+\]\.(created|updated)At\Z")


def form_of(value: str) -> str | None:
    """Return the name of a made-up value's form, or None for a value that must be equal."""
    return next((name for name, form in _FORMS.items() if form.match(value)), None)


def claims_of(token: str) -> tuple[Any, dict[str, Any]]:
    """Return header and claims of a JSON Web Token."""
    parts = [part + "=" * (-len(part) % 4) for part in token.split(".")[:2]]
    header, claims = (json.loads(base64.urlsafe_b64decode(part)) for part in parts)
    return header, claims


@dataclass
class Comparison:
    """Compares answers with recordings and remembers what stands for what."""

    to_answer: dict[str, str] = field(default_factory=dict)
    to_recording: dict[str, str] = field(default_factory=dict)

    def same(self, recorded: str, answered: str) -> None:
        """State that a recorded value and one of the stand-in are the same thing."""
        self.to_answer[recorded] = answered
        self.to_recording[answered] = recorded

    def differences(self, recorded: Any, answered: Any, path: str = "$") -> list[str]:
        """Return what differs below a path."""
        if isinstance(recorded, dict) and isinstance(answered, dict):
            return self._objects(recorded, answered, path)
        if isinstance(recorded, list) and isinstance(answered, list):
            return self._lists(recorded, answered, path)
        if isinstance(recorded, str) and isinstance(answered, str):
            return self._strings(recorded, answered, path)
        equal = type(recorded) is type(answered) and recorded == answered
        return [] if equal else [_differs(path, recorded, answered)]

    def _objects(self, recorded: Any, answered: Any, path: str) -> list[str]:
        found = [f"{path}.{name}: missing in the answer" for name in recorded.keys() - answered]
        found += [f"{path}.{name}: not in the recording" for name in answered.keys() - recorded]
        for name in sorted(recorded.keys() & answered):
            found += self.differences(recorded[name], answered[name], f"{path}.{name}")
        return sorted(found)

    def _lists(self, recorded: Any, answered: Any, path: str) -> list[str]:
        if len(recorded) != len(answered):
            return [f"{path}: recorded {len(recorded)} elements, answered {len(answered)}"]
        found = []
        for index, (ours, theirs) in enumerate(zip(recorded, answered, strict=True)):
            found += self.differences(ours, theirs, f"{path}[{index}]")
        return found

    def _strings(self, recorded: str, answered: str, path: str) -> list[str]:
        form = form_of(recorded)
        if form is not None:
            return self._made_up(form, recorded, answered, path)
        if pem.is_pem(recorded):
            return self._pem(recorded, answered, path)
        if _TOKEN.match(recorded):
            return self._tokens(recorded, answered, path)
        return [] if recorded == answered else [_differs(path, recorded, answered)]

    def _made_up(self, form: str, recorded: str, answered: str, path: str) -> list[str]:
        if form_of(answered) != form:
            return [f"{path}: recorded the {form} {recorded!r}, answered {answered!r}"]
        if form == "request id" or _UNRELATED_TIMES.match(path):
            return []
        return self._one_for_one(form, recorded, answered, path)

    def _one_for_one(self, form: str, recorded: str, answered: str, path: str) -> list[str]:
        """Hold that a recorded value stands for one of the stand-in, and that for no other."""
        ours = self.to_answer.setdefault(recorded, answered)
        theirs = self.to_recording.setdefault(answered, recorded)
        if (ours, theirs) == (answered, recorded):
            return []
        known = f"recorded the {form} {recorded!r}, which stood for {ours!r}"
        return [f"{path}: {known}; answered {answered!r}, which stood for {theirs!r}"]

    def _pem(self, recorded: str, answered: str, path: str) -> list[str]:
        """Compare two PEM texts, which stand for each other with and without a last newline."""
        found = pem.differences(recorded, answered, path, self._strings)
        return found or self._one_for_one("PEM", recorded.rstrip(), answered.rstrip(), path)

    def _tokens(self, recorded: str, answered: str, path: str) -> list[str]:
        if not _TOKEN.match(answered):
            return [f"{path}: recorded a token, answered {answered!r}"]
        self.same(recorded, answered)
        (our_header, ours), (their_header, theirs) = claims_of(recorded), claims_of(answered)
        found = self.differences(our_header, their_header, f"{path}<header>")
        return found + self.differences(_relative(ours), _relative(theirs), f"{path}<claims>")

    def headers(self, recorded: dict[str, str], answered: dict[str, str]) -> list[str]:
        """Return which headers differ; the Content-Length is the caller's to check."""
        length = {"content-length"}
        ours = {name: value for name, value in recorded.items() if name not in length}
        theirs = {name: value for name, value in answered.items() if name not in length}
        return self.differences(ours, theirs, "headers")


def _relative(claims: dict[str, Any]) -> dict[str, Any]:
    """Return claims with their times counted from the login."""
    start = claims["creationEpoch"]
    return claims | {name: claims[name] - start for name in _EPOCHS}


def _differs(path: str, recorded: Any, answered: Any) -> str:
    return f"{path}: recorded {recorded!r}, answered {answered!r}"
