r"""What all messages have in common.

msgspec patterns are unanchored searches and ``$`` accepts a trailing newline, so every pattern
here starts with ``\A`` and ends with ``\Z``; constructors check nothing, so names that reach
paths, argv or files go through :mod:`psi.shared.names` again.
"""

from typing import Annotated

from msgspec import Meta, Struct

from psi.shared.limits import REASON_CHARACTERS
from psi.shared.names import (
    ALIAS_PATTERN,
    ENVIRONMENT_SLUG_PATTERN,
    ID_PATTERN,
    MAX_KEY_CHARACTERS,
    MAX_PATH_CHARACTERS,
    WORKLOAD_PATTERN,
)

RequestId = Annotated[int, Meta(ge=0, le=2**32 - 1)]
SecretId = Annotated[str, Meta(pattern=ID_PATTERN, max_length=25)]
Alias = Annotated[str, Meta(pattern=ALIAS_PATTERN, max_length=63)]
Slug = Annotated[str, Meta(pattern=ENVIRONMENT_SLUG_PATTERN, max_length=64)]
Workload = Annotated[str, Meta(pattern=WORKLOAD_PATTERN, max_length=64)]
Key = Annotated[str, Meta(min_length=1, max_length=MAX_KEY_CHARACTERS)]
Path = Annotated[str, Meta(min_length=1, max_length=MAX_PATH_CHARACTERS)]
Detail = Annotated[str, Meta(max_length=REASON_CHARACTERS, pattern=r"\A[ -~]*\Z")]
"""One line of printable ASCII: it becomes the PSI-Reason header."""
ShortText = Annotated[str, Meta(max_length=256)]
Cursor = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Counter = Annotated[int, Meta(ge=0, le=2**53 - 1)]
LAST_TIMESTAMP = 253_402_300_799
Timestamp = Annotated[float, Meta(ge=0, le=LAST_TIMESTAMP)]
"""Seconds since the epoch, UTC, until the end of the year 9999: a calendar holds no later one."""


class Message(Struct, frozen=True, tag=True, forbid_unknown_fields=True, kw_only=True):
    """A frame's content: a MessagePack map with the type's name as its tag."""

    id: RequestId = 0
    """Chosen by the caller; the reply repeats it and the caller checks it."""


class Request(Message, frozen=True):
    """Sent by a caller."""


class Item(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of a reply."""


class Reply(Message, frozen=True):
    """Sent by a server."""


class Done(Reply, frozen=True):
    """The request took effect and has nothing more to tell."""


class Refused(Reply, frozen=True):
    """A legitimate request that is refused; the row of the route lists the codes."""

    code: Annotated[str, Meta(pattern=r"\A[a-z][a-z-]{1,31}\Z", max_length=32)]
    """A member of the server's error enum."""
    detail: Detail
    """Cause and remedy."""
