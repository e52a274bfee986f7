"""Looks for bytes in another process's memory, as an attacker with its uid or root would."""

import os
from pathlib import Path

_CHUNK_BYTES = 1 << 22


def memory_holds(pid: int, needle: bytes) -> bool:
    """Whether any writable mapping of a process holds the bytes (proc(5), /proc/pid/mem)."""
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if rights.startswith("rw"):
                low, high = (int(end, 16) for end in span.split("-"))
                if _span_holds(memory.fileno(), low, high, needle):
                    return True
    return False


def _span_holds(descriptor: int, low: int, high: int, needle: bytes) -> bool:
    tail = b""
    while low < high:
        try:
            chunk = os.pread(descriptor, min(_CHUNK_BYTES, high - low), low)
        except OSError:
            return False  # a guard page, or unmapped since
        if not chunk:
            return False
        if needle in tail + chunk:
            return True
        tail = chunk[-len(needle) :]
        low += len(chunk)
    return False
