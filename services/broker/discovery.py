"""What a workload should have now: names and coordinates, and what a person must see.

Keys are hostile: one that is no environment variable name could carry directives into a
drop-in, so it is not handed on (r1). Later sources win over earlier ones, with a notice; two
paths inside one recursive source that give one key are an error (r32).
"""

from psi.broker.infisical.listing import Entry, Listing
from psi.broker.infisical.outcome import UpstreamError
from psi.broker.revision import revision_of
from psi.broker.upstream import Upstream
from psi.broker.values import Values
from psi.shared.errors import InvalidName, Refusal
from psi.shared.limits import MAX_ENV_PAIR_BYTES
from psi.shared.messages.broker import BrokerError, Discovered, Finding
from psi.shared.names import parse_environment_name, parse_secret_path
from psi.shared.projection import KeyOptions, Project, Source, WorkloadConfig
from psi.shared.text import ascii_line, printable

Item = Discovered | Finding


class Discovery:
    """Lists a workload's sources and judges what is there."""

    def __init__(
        self,
        workloads: dict[str, WorkloadConfig],
        projects: dict[str, Project],
        upstream: Upstream,
        values: Values,
    ) -> None:
        self._workloads = workloads
        self._projects = projects
        self._upstream = upstream
        self._values = values

    @property
    def names(self) -> tuple[str, ...]:
        """All workloads, in the configuration's order."""
        return tuple(self._workloads)

    def workload(self, name: str) -> WorkloadConfig:
        """Return a configured workload; raises Refusal UNKNOWN_NAME."""
        if name not in self._workloads:
            detail = f"there is no workload {name}; see psictl status and psictl apply"
            raise Refusal(BrokerError.UNKNOWN_NAME, detail)
        return self._workloads[name]

    def revision(self, workload: WorkloadConfig) -> str:
        """Return the digest of all that the workload's registration follows from."""
        return revision_of(workload, self._projects)

    async def discover(self, workload: WorkloadConfig) -> list[Item]:
        """Return secrets, then findings; the values stay here, kept by the cache.

        Raises Refusal when a source cannot be listed: registering half a workload would start
        its container without the other half.
        """
        chosen: dict[str, Discovered] = {}
        findings: list[Finding] = []
        for source in workload.sources:
            listing = await self._list(source)
            for key, found in _of_source(listing, source, workload, findings).items():
                if key in chosen:
                    findings.append(_notice(key, chosen[key], found))
                chosen[key] = found
        return [*chosen.values(), *findings]

    async def _list(self, source: Source) -> Listing:
        try:
            listing = await self._upstream.list_folder(
                source.project, None, source.path, recursive=source.recursive
            )
        except UpstreamError as error:
            where = printable(f"{source.project}:{source.path}", 60)
            raise Refusal(error.code, f"{where}: {error.detail}") from error
        self._values.keep_listing(source.project, listing)
        return listing


def _of_source(
    listing: Listing, source: Source, workload: WorkloadConfig, findings: list[Finding]
) -> dict[str, Discovered]:
    """Return what one source gives, by key; what may not be registered becomes a finding."""
    found: dict[str, Discovered] = {}
    twice: set[str] = set()
    for entry in listing.entries:
        options = options_of(workload, entry.key)
        problem = problem_of(entry, options)
        if problem is not None:
            findings.append(refused(entry, problem))
        elif entry.key in found or entry.key in twice:
            twice.add(entry.key)
            other = found.pop(entry.key, None)
            places = f"it is also at {other.path}" if other else "it stands at several paths"
            findings.append(refused(entry, f"{places}; keep one, or name the folders as sources"))
        else:
            found[entry.key] = Discovered(
                key=entry.key, project=source.project, path=entry.path, options=options
            )
            if entry.notice is not None:
                findings.append(noticed(entry, entry.notice))
    return found


def options_of(workload: WorkloadConfig, key: str) -> KeyOptions:
    """Return how a key reaches the container: its own entry, else the workload's type."""
    return workload.keys.get(key, KeyOptions(type=workload.type))


def problem_of(entry: Entry, options: KeyOptions) -> str | None:
    """Return why a secret cannot be registered, or None."""
    try:
        parse_environment_name(entry.key)
        parse_secret_path(entry.path)
    except InvalidName:
        return "it is no environment variable name; rename it in Infisical"
    if entry.value is None:
        return entry.problem
    if options.type == "mount":
        return None
    if b"\0" in entry.value.reveal():
        return "it holds a NUL, where Podman cuts a variable without a word; set type: mount"
    if len(entry.key) + len(entry.value) > MAX_ENV_PAIR_BYTES:
        return f"with its name it is over {MAX_ENV_PAIR_BYTES} bytes; set type: mount"
    return None


def refused(entry: Entry, problem: str) -> Finding:
    """Return the finding for a secret that is not registered."""
    detail = ascii_line(f"not registered, in {printable(entry.path, 60)}: {problem}")
    return Finding(kind="refused", subject=printable(entry.key, 100), detail=detail)


def noticed(entry: Entry, notice: str) -> Finding:
    """Return the finding for a secret that is registered and deserves a look."""
    detail = ascii_line(f"in {printable(entry.path, 60)}: {notice}")
    return Finding(kind="notice", subject=printable(entry.key, 100), detail=detail)


def _notice(key: str, earlier: Discovered, later: Discovered) -> Finding:
    first, second = (f"{d.project}:{printable(d.path, 60)}" for d in (earlier, later))
    detail = ascii_line(f"{second} wins over {first}: the later source does")
    return Finding(kind="notice", subject=printable(key, 100), detail=detail)
