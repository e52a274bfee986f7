"""Podman as psictl sees it: one interface, and a file for each way to reach it."""
