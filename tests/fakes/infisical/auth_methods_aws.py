"""What STS says to the request that Infisical replays: SigV4 computed anew, by hand.

AWS "Create a signed AWS API request": the signature must fit the method, the host that the
request is sent to, the signed headers as they are, and the body.
"""

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from typing import Any

from tests.fakes.infisical.errors import bad_request, went_wrong

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/"
    r"(?P<service>[^/]+)/aws4_request, ?SignedHeaders=(?P<signed>[^,]+), ?Signature=(?P<sum>\w+)"
)
_REGION = re.compile(r"[a-z0-9-]{1,20}")
_CLOCK_SECONDS = 900  # STS refuses what is dated further off
_MUST_SIGN = {"host", "x-amz-date"}


def replay(fields: list[str], principals: dict[str, dict[str, str]], now: float) -> dict[str, str]:
    """Return the principal that signed.

    Raises:
        ApiError: 400 for a bad region; 500 where STS refuses, which the real server does not map.

    """
    method, body, headers = fields[0], _decode(fields[1]), _headers(fields[2])
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None or not _REGION.fullmatch(found["region"]):
        raise bad_request("Invalid AWS region")
    principal = principals.get(found["key"])
    if principal is None or not _accepts(found, principal, method, body, headers, now):
        raise went_wrong()
    return principal


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise went_wrong() from error


def _headers(text: str) -> dict[str, str]:
    try:
        fields: dict[str, Any] = json.loads(_decode(text))
        return {name.lower(): str(value) for name, value in fields.items()}
    except (ValueError, AttributeError) as error:
        raise went_wrong() from error


def _accepts(
    found: re.Match[str],
    principal: dict[str, str],
    method: str,
    body: bytes,
    headers: dict[str, str],
    now: float,
) -> bool:
    """Check what STS checks, at the regional host that Infisical sends to."""
    host = f"sts.{found['region']}.amazonaws.com"
    signed = found["signed"].split(";")
    date = headers.get("x-amz-date", "")
    token = principal.get("session_token", "")
    asks = body == b"Action=GetCallerIdentity&Version=2011-06-15" and found["service"] == "sts"
    if not asks or headers.get("host") != host or headers.get("x-amz-security-token", "") != token:
        return False
    if not set(signed) >= _MUST_SIGN or (token and "x-amz-security-token" not in signed):
        return False
    if not date.startswith(found["day"]) or abs(_moment(date) - now) > _CLOCK_SECONDS:
        return False
    expected = _signature(found, principal["secret_key"], method, body, headers, signed)
    return hmac.compare_digest(expected, found["sum"])


def _moment(date: str) -> float:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _signature(
    found: re.Match[str],
    secret: str,
    method: str,
    body: bytes,
    headers: dict[str, str],
    signed: list[str],
) -> str:
    listed = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in signed)
    canonical = "\n".join(
        [method, "/", "", listed, ";".join(signed), hashlib.sha256(body).hexdigest()]
    )
    scope = f"{found['day']}/{found['region']}/{found['service']}/aws4_request"
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            headers["x-amz-date"],
            scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()
