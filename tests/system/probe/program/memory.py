"""Attempts at memory that can be written and run."""

import ctypes
import mmap
import os
import tempfile

_LIBC = ctypes.CDLL(None, use_errno=True)
_PAGE = mmap.PAGESIZE
_PRIVATE_ANONYMOUS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def writable_and_executable() -> str:
    """Map memory that can be both at once."""
    mmap.mmap(-1, _PAGE, _PRIVATE_ANONYMOUS, 7).close()
    return "mapped"


def executable_later() -> str:
    """Write to memory, then make it executable."""
    with mmap.mmap(-1, _PAGE, _PRIVATE_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE) as area:
        area[0] = 0xC3
        view = (ctypes.c_char * _PAGE).from_buffer(area)
        address = ctypes.c_void_p(ctypes.addressof(view))
        result = _LIBC.mprotect(address, ctypes.c_size_t(_PAGE), mmap.PROT_READ | mmap.PROT_EXEC)
        number = ctypes.get_errno()
        del view
    if result != 0:
        raise OSError(number, os.strerror(number))
    return "executable"


def _run_from(descriptor: int) -> str:
    os.write(descriptor, b"\xc3" * _PAGE)
    mmap.mmap(descriptor, _PAGE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_EXEC).close()
    return "executable"


def memory_file() -> str:
    """Write to a file that has no name, and map it as a program."""
    descriptor = os.memfd_create("probe")
    try:
        return _run_from(descriptor)
    finally:
        os.close(descriptor)


def file_in(folder: str) -> str:
    """Write to a file in a folder, and map it as a program (a library that was dropped)."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return _run_from(file.fileno())


VERBS = {
    "rwx": writable_and_executable,
    "mprotect": executable_later,
    "memfd": memory_file,
    "library": file_in,
}
