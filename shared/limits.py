"""Every size, time and count that holds between processes, each with its reason.

Sizes are constants of the protocol. Seconds and counts are fields of :class:`Limits`, so that
tests can meet a ten-minute rule in seconds: a service reads overrides from the credential
``limits.json``, which no shipped unit has.
"""

import os
from pathlib import Path
from typing import Annotated

import msgspec

from psi.shared.errors import UNDECODABLE, ConfigError
from psi.shared.text import REASON_CHARACTERS as REASON_CHARACTERS  # noqa: PLC0414  # mypy: exported

KIB = 1024
MIB = 1024 * KIB

HEAD_BYTES = 8 * KIB
"""An HTTP request head: curl sends about 110 bytes; 8 KiB is what servers commonly allow."""
BODY_BYTES = 16 * KIB
"""A mapping is at most a few KiB of JSON; nothing larger belongs in a store request."""
REQUEST_FRAME_BYTES = 24 * KIB
"""A StoreMapping carries BODY_BYTES and its envelope; every other request is smaller."""
CONTROL_FRAME_BYTES = 1 * MIB
"""WriteSecrets and SealSecret, on control sockets only."""
REPLY_FRAME_BYTES = 1 * MIB
"""One value of up to 511,999 bytes, or a page of a list."""
LIST_BODY_BYTES = 8 * MIB
"""A decompressed listing: about 10,000 secrets of 600 bytes of JSON each (r11)."""
SINGLE_BODY_BYTES = 2 * MIB
"""A decompressed single secret: 512 KB escaped as JSON, with room for its metadata (r11)."""
MAX_ENV_PAIR_BYTES = 131_070
"""Key and value together: the kernel refuses one string of 128 KiB (execve(2), MAX_ARG_STRLEN)."""
BACKLOG = 4096
"""Waiting connections on a socket: a boot with 100 containers of 40 secrets each."""
PAGE_ITEMS = 64
"""Entries in one page of a list: so many of the largest fit a reply frame."""
CONFIG_ITEMS = 10_000
"""Entries in one list or mapping of the configuration: more is a mistake."""
DEPENDENCIES = 64
"""Units in one ``depends_on``: they travel in every page of a Discover."""

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400 * 400)]
Count = Annotated[int, msgspec.Meta(gt=0, le=1_000_000)]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Seconds and counts, with the defaults that hold in production."""

    http_connections: Count = 256
    """Beyond it the frontend stops accepting; clients wait in the backlog, none is refused."""
    linger_seconds: Seconds = 0.0001
    """A lone lookup waits so long for the broker without sleeping: Podman asks one at a time, and
    to be woken costs 20 us on a virtual machine, a sixth of the whole."""
    http_request_seconds: Seconds = 10
    """To send a whole request: curl needs a millisecond; a stalled client holds one place."""
    lookup_seconds: Seconds = 30
    """A lookup ends within it whatever happens behind: curl gives up at 32 s (r15)."""
    degraded_lookup_seconds: Seconds = 1
    """After a missed deadline, until a Ping succeeds: Podman holds a host-wide lock (r15)."""
    ping_seconds: Seconds = 1
    """A broker that cannot answer a Ping within it cannot answer cached lookups either."""
    ping_interval_seconds: Seconds = 0.5
    """Between Pings while degraded: recovery is seen within a lookup or two."""
    broker_connections: Count = 260
    """The frontend's pool of 256, one for Ping, and a few of a frontend that is draining."""
    pki_connections: Count = 4
    """pki keeps one; the rest are those of a pki that is draining, and of requests to come."""
    control_connections: Count = 16
    """psictl opens one; timers and a person may overlap."""
    frame_seconds: Seconds = 5
    """To finish a frame once begun: peers are local, only a broken one drips."""
    call_seconds: Seconds = 35
    """A service's call to another, unless its route says otherwise: outlasts a lookup."""
    control_seconds: Seconds = 120
    """A control request may list many folders of a slow Infisical."""
    refresh_seconds: Seconds = 600
    """A refresh of 10,000 secrets in many folders of a slow Infisical, as psictl waits for it."""
    sealer_seconds: Seconds = 45
    """A HSM login takes 20 to 30 s; a lookup never waits for it."""
    device_seconds: Seconds = 40
    """One call of a device, before its caller is told that it hangs."""
    device_hung_seconds: Seconds = 60
    """A call still running then is a hung device: the watchdog is no longer fed (r22)."""
    device_retry_seconds: Seconds = 5
    """Between attempts to open a device that was away; a refused PIN is never tried again."""
    registration_seconds: Seconds = 120
    """After ``psictl seal``: so long may Podman take to store the mapping."""
    cache_write_seconds: Seconds = 1
    """Additions within it are one write (r30)."""
    cache_load_seconds: Seconds = 60
    """READY is said then even if the cache is not loaded: lookups go live (r21)."""
    withdrawal_seconds: Seconds = 600
    """Between the two observations that withdraw an entry (r9)."""
    breaker_open_seconds: Seconds = 10
    """Of failures and no success, then the breaker opens (r25)."""
    breaker_probe_seconds: Seconds = 2
    """Between background probes while it is open, give or take a quarter."""
    breaker_release: Count = 4
    """Of those that waited in the boot grace, so many go out at once when Infisical is back."""
    boot_grace_seconds: Seconds = 60
    """After start a lookup with nothing cached waits for the next probe: the network comes up."""
    connect_retry_seconds: Seconds = 0.05
    """Between connection attempts while a server restarts or is being upgraded (r26)."""
    drain_seconds: Seconds = 3
    """Upstream waits end then with 503 after SIGTERM; systemd kills after 10 s."""
    watchdog_fraction: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.4
    """Of WATCHDOG_USEC between pings: two may be late before systemd acts."""

    mappings: Count = 100_000
    """Mapping files held in memory: a compromised frontend cannot fill the disk without end."""
    upstream_connections: Count = 8
    """To Infisical at once; a listing of 400 secrets takes 50 ms, so this is 160 a second."""
    upstream_seconds: Seconds = 20
    """One exchange with Infisical, from connect to the last byte: httpx's are per read (r11)."""
    upstream_connect_seconds: Seconds = 5
    """To connect and finish TLS; a host that drops packets is known as down by then."""
    miss_seconds: Seconds = 28
    """A live fetch, logins and retries included: the frontend's reply must leave before 30 s."""
    retry_attempts: Count = 3
    """Of one GET: what passes has mostly passed by the third; more would prolong an overload."""
    retry_delay_seconds: Seconds = 0.2
    """The longest pause before the first repetition; it doubles, and chance picks below it."""
    retry_cap_seconds: Seconds = 2
    """The longest pause before any repetition that the server did not ask for."""
    retry_patience_seconds: Seconds = 8
    """A lookup's GET is repeated only so long: with one last exchange that is ``miss_seconds``."""
    refresh_patience_seconds: Seconds = 100
    """As above, where psictl waits: a rate limit's window is 60 s. Within ``control_seconds``."""
    retry_after_seconds: Seconds = 60
    """How long a server may silence the breaker: Infisical's window; a proxy may name any time."""
    token_margin_seconds: Seconds = 5
    """A token is not used in the last seconds of its life: the request must still arrive."""
    listing_seconds: Seconds = 1
    """A folder that was just listed is not listed again for a key that it lacks: a burst is one."""
    paging_seconds: Seconds = 60
    """A list is kept this long for the pages that follow its first; psictl asks at once."""
    paged_lists: Count = 8
    """Lists kept at once; one command uses one."""
    audit_summary_seconds: Seconds = 3600
    """Cached grants of one secret are one line, then a summary an hour (r26)."""


def load_limits(folder: Path | None = None) -> Limits:
    """Return the limits, with overrides from the credential ``limits.json`` where it exists.

    The folder defaults to ``$CREDENTIALS_DIRECTORY`` (systemd.exec(5), Credentials).
    Raises ConfigError for an unknown name or a value out of bounds.
    """
    named = os.environ.get("CREDENTIALS_DIRECTORY")
    folder = folder if folder is not None else Path(named) if named else None
    if folder is None or not (folder / "limits.json").is_file():
        return Limits()
    try:
        return msgspec.json.decode((folder / "limits.json").read_bytes(), type=Limits)
    except UNDECODABLE as error:
        raise ConfigError(f"limits.json: {error}; correct the file given to --limits") from error
