"""What may come of asking Infisical: the one error type that everything upstream ends in."""

from enum import StrEnum

from psi.shared.errors import PsiError
from psi.shared.messages.broker import BrokerError
from psi.shared.text import ascii_line

WORDS_CHARACTERS = 70
"""Of the server's own words in an error: cause and remedy must fit beside them."""


class Kind(StrEnum):
    """The classes that callers tell apart: they decide what the cache does."""

    TRANSPORT = "transport"
    """No answer, or a 5xx: nothing is known about the secret."""
    FOREIGN = "foreign"
    """Whatever answered is not Infisical."""
    REFUSED = "refused"
    """Infisical, or this client, says no."""
    ABSENT = "absent"
    """Infisical says that it does not exist (a 404 with a ``reqId``)."""
    LIMITED = "limited"
    """Infisical's rate limit."""


class Repeat(StrEnum):
    """Whether the same GET may do better; a login is never repeated."""

    NO = "no"
    """An answer, or a fault that time alone does not mend."""
    AT_ONCE = "at once"
    """The connection ended before an answer began: the server may have closed a kept one."""
    ONCE = "once"
    """A 500: often deterministic (recorded: a body that does not parse gives one)."""
    LATER = "later"
    """No connection, rate limit, 502, 503, 504: what passes."""


_CODES = {
    Kind.TRANSPORT: BrokerError.UNREACHABLE,
    Kind.FOREIGN: BrokerError.FOREIGN,
    Kind.REFUSED: BrokerError.REFUSED,
    Kind.ABSENT: BrokerError.ABSENT,
    Kind.LIMITED: BrokerError.LIMITED,
}


class UpstreamError(PsiError):
    """A request to Infisical failed; the text is one line of printable ASCII with a remedy.

    ``words`` are the server's own, cleaned.
    """

    retry_after: float | None = None
    """Seconds, where the rate limit or an overloaded server told."""
    permission = False
    """A 403 that denies this identity the project or the secret."""
    token = False
    """The access token is to blame: a login may help."""
    login = False
    """A login was limited, not the request behind it."""
    repeat = Repeat.NO
    """Whether a repetition of a GET may help."""
    no_route = False
    """A 404 without a ``reqId``: the server may speak another generation of the API."""

    def __init__(
        self,
        kind: Kind,
        text: str,
        *,
        code: BrokerError | None = None,
        status: int | None = None,
        words: str = "",
    ) -> None:
        self.detail = ascii_line(text)
        super().__init__(self.detail)
        self.kind = kind
        self.code = code if code is not None else _CODES[kind]
        self.status = status
        self.words = words


def foreign(text: str, status: int | None = None) -> UpstreamError:
    """Return the error for an answer that Infisical does not give."""
    remedy = "check api_url and any proxy in between"
    return UpstreamError(
        Kind.FOREIGN, f"not an answer of Infisical: {text}; {remedy}", status=status
    )


def unserved(method: str, remedy: str) -> UpstreamError:
    """Return the error for an auth method that this installation cannot log in with."""
    text = f"auth method {ascii_line(method, 60)} is not served here; {remedy}"
    return UpstreamError(Kind.REFUSED, text, code=BrokerError.UNSERVED)


def bad_value(key: str, problem: str) -> UpstreamError:
    """Return the error for a value that cannot be handed to Podman (r33)."""
    text = f"secret {ascii_line(key, 60)}: {problem}"
    return UpstreamError(Kind.REFUSED, text, code=BrokerError.BAD_VALUE)
