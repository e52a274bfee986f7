"""Quadlet files: their grammar, the drop-ins that PSI writes, and the check of what it wrote."""
