"""``psictl setup``: make Podman and quadlet hold what the workloads' sources name, and no more."""
