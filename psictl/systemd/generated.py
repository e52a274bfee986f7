"""The drop-ins of ``psictl apply``: whether they are there, found, and what they should be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psi.shared.errors import ConfigError, PsiError
from psi.shared.processes import Process
from psictl.apply.derive import derive
from psictl.apply.generation import CURRENT, Generation, current_generation
from psictl.apply.links import NAME, missing_links
from psictl.apply.naming import file_name, unit_name
from psictl.config import LoadedConfig, load
from psictl.generation import file_matches, is_complete
from psictl.layout import Layout
from psictl.systemd.problem import Problem
from psictl.systemd.show import Unit

_APPLY: Final = "psictl apply"


@dataclass(frozen=True)
class Generated:
    """What ``apply`` made of the configuration on this host."""

    layout: Layout
    units: Mapping[str, Unit]

    @property
    def _current(self) -> Path:
        return self.layout.generated / CURRENT

    def link(self, unit: str) -> str:
        """Return where systemd finds a unit's generated drop-in, as the host names it."""
        return self._named(self.layout.unit_dir / f"{unit}.d" / NAME)

    def _named(self, path: Path) -> str:
        return f"/{path.relative_to(self.layout.root)}"

    def problems(self, unread: list[str]) -> Iterator[Problem]:
        """Return what differs; what cannot be read or compared is added to ``unread``."""
        try:
            present = self._present()
        except FileNotFoundError:
            told = "leads to nothing" if self._current.is_symlink() else "is not there"
            yield Problem(self._named(self._current), told, _APPLY, down=True)
            return
        except OSError as error:
            unread.append(f"{self._current}: {error.strerror}; what apply made is not compared")
            return
        if not is_complete(self.layout):
            yield Problem(_APPLY, "did not come to its end when it was run last", _APPLY)
        for name in present:
            yield from self._of_link(name)
        yield from self._dangling(present)
        yield from self._differing(present, unread)

    def _present(self) -> dict[str, bytes]:
        """Return the drop-ins in force by file name; raises OSError."""
        return {file.name: file.read_bytes() for file in sorted(self._current.iterdir())}

    def _of_link(self, name: str) -> Iterator[Problem]:
        unit = unit_name(name)
        link = self.link(unit)
        try:
            missing = missing_links(self.layout, [name])
        except (ConfigError, OSError) as error:
            yield Problem(link, "is not the link of psictl apply", f"{error}; then {_APPLY}")
            return
        if missing:
            yield Problem(link, "is missing: the unit runs without its configuration", _APPLY)
        elif unit in self.units and self._is_unread(self.units[unit], link):
            remedy = f"systemctl daemon-reload; systemctl restart {unit}"
            yield Problem(link, "has not been read by systemd", remedy)

    def _is_unread(self, unit: Unit, link: str) -> bool:
        """Whether systemd passed it over; a change that it knows of is told of the unit."""
        return unit.load == "loaded" and not unit.needs_reload and link not in unit.drop_ins

    def _dangling(self, present: Mapping[str, bytes]) -> Iterator[Problem]:
        for folder in sorted(self.layout.unit_dir.glob("*.d")):
            link = folder / NAME
            ours = link.is_symlink() and link.readlink().parent == self._current
            if ours and link.readlink().name not in present:
                yield Problem(self._named(link), "leads to nothing", _APPLY)

    def _differing(self, present: Mapping[str, bytes], unread: list[str]) -> Iterator[Problem]:
        try:
            wanted = self._wanted()
        except PsiError as error:
            unread.append(f"what psictl apply would make is not known: {error}")
            return
        for name in sorted(present.keys() | wanted.keys()):
            path = self._named(self._current / name)
            if name not in present:
                yield Problem(path, "is missing", _APPLY)
            elif name not in wanted:
                yield Problem(path, "is not in what psictl apply would make", _APPLY)
            elif present[name] != wanted[name]:
                yield Problem(path, "is not what psictl apply would make", _APPLY)

    def _wanted(self) -> Mapping[str, bytes]:
        """Derive again from the configuration that was applied; raises PsiError."""
        generation = current_generation(self.layout)
        if generation is None:
            raise PsiError(f"{self.layout.current} is not there; {_APPLY}")
        loaded = self._loaded(generation)
        projections = self._projections()
        derived = derive(loaded, generation.number, self.layout, projections, for_systemd=True)
        return derived.drop_ins

    def _loaded(self, generation: Generation) -> LoadedConfig:
        # Compared first: the errors of an edit that nobody has applied yet are not told here.
        if not file_matches(Path(generation.config), generation.config_sha256):
            raise PsiError(f"{generation.config} is not as it was applied; {_APPLY}")
        return load(Path(generation.config))

    def _projections(self) -> dict[str, bytes]:
        files = (self.layout.current / file_name(process) for process in Process)
        return {file.name: file.read_bytes() for file in files if file.is_file()}
