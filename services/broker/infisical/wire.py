"""The parts of Infisical's answers that are read; what else they hold is ignored."""

from typing import Annotated

from msgspec import Meta, Struct, field

Jwt = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._~+/=-]+\Z", min_length=1, max_length=8192)]
"""An access token as it may stand in a header; recorded ones have about 900 characters."""


class WireSecret(Struct, rename="camel"):
    """One secret of a listing or a single answer."""

    secret_key: str
    secret_value: str
    secret_value_hidden: bool | None = None
    secret_path: str | None = None
    type: str = "shared"

    def __repr__(self) -> str:
        return "WireSecret(...)"


class WireImport(Struct, rename="camel"):
    """The secrets that one import brings; they carry no path of their own."""

    secrets: list[WireSecret]


class WireListing(Struct, rename="camel"):
    """``GET /api/v4/secrets``: imports stand apart and may repeat keys; there is no paging."""

    secrets: list[WireSecret]
    imports: list[WireImport] | None = None


class WireSingle(Struct, rename="camel"):
    """``GET /api/v4/secrets/:secretName``."""

    secret: WireSecret


class WireToken(Struct, rename="camel"):
    """A login's or renewal's answer; times in seconds, 0 for none."""

    access_token: Jwt
    expires_in: Annotated[float, Meta(ge=0)] = 0
    access_token_max_ttl: Annotated[float, Meta(ge=0)] = field(name="accessTokenMaxTTL", default=0)

    def __repr__(self) -> str:
        return "WireToken(...)"


class WireMessage(Struct):
    """A revocation's answer."""

    message: str
