"""The command line: a person's or a sandboxed unit's way to the suite; it serves nothing."""
