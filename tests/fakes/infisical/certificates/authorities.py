"""Makes authorities: fresh ones, and those of a seed, which are the same at every start."""

import hashlib
from datetime import datetime
from typing import Any

from tests.fakes.infisical.certificates.model import Authority
from tests.fakes.infisical.certificates.signing import Span, new_serial, sign_authority
from tests.fakes.infisical.certificates.words import new_key
from tests.fakes.infisical.ids import fresh_id, stable_id

_UNLIMITED = -1  # Infisical's word for no limit on the path
# A seed's authorities hold longer than any test moves the clock, in both directions.
_BEGINS, ENDS = "2020-01-01T00:00:00Z", "2045-01-01T00:00:00Z"
_SEED_BYTES = 31  # less than the order of every curve


def milliseconds_of(text: str) -> int:
    """Return an ISO 8601 time in milliseconds since the epoch.

    Raises:
        ValueError: for another form.

    """
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def fresh(
    project_id: str, name: str, subject: dict[str, str], algorithm: str, span: Span
) -> Authority:
    """Return a new root."""
    key, serial = new_key(algorithm), new_serial()
    certificate = sign_authority(subject, key, span, serial, None, None)
    return Authority(
        id=fresh_id(),
        certificate_id=fresh_id(),
        crl_id=fresh_id(),
        project_id=project_id,
        name=name,
        subject=subject,
        key_algorithm=algorithm,
        key=key,
        certificate=certificate,
        not_before=span.not_before,
        not_after=span.not_after,
        max_path_length=_UNLIMITED,
    )


def seeded(project_id: str, entry: dict[str, Any], parent: Authority | None) -> Authority:
    """Return a seed's authority, whose ids, serial and elliptic key come from its name."""
    name, algorithm = entry["name"], entry.get("key_algorithm", "EC_prime256v1")
    place = (project_id, name, algorithm)
    key = new_key(algorithm, _number("key", *place))
    ends = entry.get("not_after") or ENDS
    span = Span(milliseconds_of(_BEGINS), milliseconds_of(ends))
    subject = {"commonName": entry.get("common_name") or f"Stand-in {name}"}
    length = None if parent is None else 0
    certificate = sign_authority(
        subject, key, span, _number("serial", *place) >> 90, parent, length
    )
    return Authority(
        id=stable_id("authority", *place),
        certificate_id=stable_id("authority-certificate", *place),
        crl_id=stable_id("crl", *place),
        project_id=project_id,
        name=name,
        subject=subject,
        key_algorithm=algorithm,
        key=key,
        certificate=certificate,
        not_before=span.not_before,
        not_after=span.not_after,
        max_path_length=_UNLIMITED if parent is None else 0,
        parent=parent,
    )


def _number(*parts: str) -> int:
    """Return the same positive number for the same parts."""
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:_SEED_BYTES]) | 1
