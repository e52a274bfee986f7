"""A digest of all that a workload's registration follows from.

psictl writes it into the drop-in that it makes, and at boot holds it against the configuration
of that moment: what is registered already is left alone only while both agree.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec

from psi.shared.projection import Project, WorkloadConfig

_DIGITS: Final = 32
"""128 bits: nobody gains by two configurations of one digest but the root who wrote both."""


def revision_of(workload: WorkloadConfig, projects: Mapping[str, Project]) -> str:
    """Return 32 hex digits that change when the unit, its sources, or where they lie do."""
    places = [
        (project.id, project.environment) if project is not None else None
        for project in (projects.get(source.project) for source in workload.sources)
    ]
    text = msgspec.json.encode((workload, places), order="deterministic")
    return hashlib.sha256(text).hexdigest()[:_DIGITS]
