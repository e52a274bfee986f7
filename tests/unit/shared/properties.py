"""How properties are tried: the same examples each time, however slow the machine."""

from hypothesis import settings

PROPERTY = settings(deadline=None, derandomize=True, database=None, max_examples=200)
