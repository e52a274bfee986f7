"""What a test says to a running stand-in about certificates."""

from collections.abc import Callable
from typing import Any

Control = Callable[..., dict[str, Any]]


class RemoteCertificates:
    """The certificate manager of a stand-in, through its control API.

    The methods `issue_…` and `answer_with` make it hostile or broken: for so many certificates
    as `times` says, or without it until `issue_rightly`. The oldest of several goes first.
    """

    def __init__(self, control: Control) -> None:
        self._control = control

    def authority(self, name: str) -> str:
        """Return an authority's certificate in PEM."""
        return str(self._control("POST", "certificates/authority", {"name": name})["pem"])

    def issued(self) -> list[dict[str, Any]]:
        """Return what was issued, oldest first: id, profile, status, serial, pem, has_key."""
        found: list[dict[str, Any]] = self._control("GET", "certificates")["certificates"]
        return found

    def revoke(self, certificate_id: str, reason: str = "KEY_COMPROMISE") -> None:
        """Revoke a certificate, as an administrator would elsewhere."""
        self._control("POST", "certificates/revoke", {"id": certificate_id, "reason": reason})

    def let_wait(self, profile: str, status: str | None = "pending_approval") -> None:
        """Let requests to a profile wait for an approval from now on.

        `pending` is how an external authority lets wait; None lets issue at once again.
        """
        self._control("POST", "certificates/wait", {"profile": profile, "status": status})

    def waiting(self) -> list[str]:
        """Return the ids of the requests that wait, oldest first."""
        return [str(one) for one in self._control("GET", "certificates/waiting")["requests"]]

    def approve(self, request: str) -> str:
        """Let a request be issued; return its status, `failed` when the policy is broken."""
        return str(self._control("POST", "certificates/approve", {"request": request})["status"])

    def reject(self, request: str) -> None:
        """Refuse a request that waits."""
        self._control("POST", "certificates/end", {"request": request, "status": "rejected"})

    def fail(self, request: str, reason: str) -> None:
        """Let a request that waits fail, as an external authority does."""
        body = {"request": request, "status": "failed", "reason": reason}
        self._control("POST", "certificates/end", body)

    def _misissue(self, kind: str, times: int | None, **parameters: Any) -> None:
        body = {"kind": kind, "times": times} | parameters
        self._control("POST", "certificates/misissue", body)

    def issue_shorter(self, seconds: float, times: int | None = None) -> None:
        """Issue certificates that hold so long, whatever was asked for."""
        self._misissue("shorter", times, seconds=seconds)

    def issue_expired(self, times: int | None = None) -> None:
        """Issue certificates that ended an hour ago."""
        self._misissue("expired", times)

    def issue_not_yet_valid(self, times: int | None = None) -> None:
        """Issue certificates that begin in an hour."""
        self._misissue("not-yet-valid", times)

    def issue_for_other_names(self, *names: str, times: int | None = None) -> None:
        """Issue certificates for these names, the first also the common name."""
        self._misissue("other-names", times, names=list(names))

    def issue_for_another_key(self, times: int | None = None) -> None:
        """Issue certificates for a key that is not the client's."""
        self._misissue("another-key", times)

    def issue_forged(self, times: int | None = None) -> None:
        """Issue certificates that the authority they name did not sign."""
        self._misissue("forged", times)

    def issue_from_another_authority(self, name: str, times: int | None = None) -> None:
        """Issue certificates, and their chains, of another authority than the profile's."""
        self._misissue("other-authority", times, name=name)

    def issue_authorities(self, times: int | None = None) -> None:
        """Issue certificates that may sign others."""
        self._misissue("as-authority", times)

    def answer_with(self, told: dict[str, str], times: int | None = None) -> None:
        """Tell something else of a good certificate, on all routes.

        Fields: certificate, issuingCaCertificate, certificateChain, privateKey, serialNumber.
        """
        self._misissue("answer", times, **told)

    def issue_rightly(self) -> None:
        """Drop all rules for issuing wrongly."""
        self._control("DELETE", "certificates/misissue")
