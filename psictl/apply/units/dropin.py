"""A drop-in's text: sections of settings, each on its own line (systemd.syntax(7))."""

from collections.abc import Mapping, Sequence

Sections = Mapping[str, Sequence[str]]
"""A section's name to its lines."""
HEADER = "# Made by psictl apply from the configuration: what is changed here is lost by the next."


def render(sections: Sections) -> bytes:
    """Return the file; sections without a line are left out."""
    blocks = [[f"[{name}]", *lines] for name, lines in sections.items() if lines]
    return "\n".join([HEADER, *("\n".join(block) for block in blocks), ""]).encode()
