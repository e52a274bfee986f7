"""Attempts at what the kernel lets few do, each in a child, so that what works leaves no trace."""

import ctypes
import os
import platform
from collections.abc import Callable

_LIBC = ctypes.CDLL(None, use_errno=True)
# Linux, include/uapi/linux: the numbers that Python 3.11 has no name for.
_NAMESPACES = {
    "user": 0x10000000,
    "mount": 0x00020000,
    "net": 0x40000000,
    "pid": 0x20000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "cgroup": 0x02000000,
}
_PTRACE_TRACEME = 0
_KEYCTL_GET_KEYRING_ID = 0
_SESSION_KEYRING = -3
_MS_BIND = 4096
_ADDR_NO_RANDOMIZE = 0x0040000
_USER_MODE_ONLY = 1
_GENERIC = {"keyctl": 219, "userfaultfd": 282, "io_uring_setup": 425}
_X86_64 = {"keyctl": 250, "userfaultfd": 323, "io_uring_setup": 425}
_NUMBERS = _X86_64 if platform.machine() == "x86_64" else _GENERIC


def _check(result: int) -> None:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _system_call(name: str, *arguments: object) -> None:
    _check(_LIBC.syscall(ctypes.c_long(_NUMBERS[name]), *arguments))


def in_a_child(action: Callable[[], object]) -> str:
    """Run an action in a forked child; its OSError becomes ours."""
    child = os.fork()
    if child == 0:
        code = 255
        try:
            action()
            code = 0
        except OSError as error:
            code = error.errno or 255
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 0:
        raise OSError(code, os.strerror(code))
    return "done"


def unshare(namespace: str) -> str:
    """Make a namespace of one's own."""
    return in_a_child(lambda: _check(_LIBC.unshare(_NAMESPACES[namespace])))


def setns(path: str) -> str:
    """Enter a namespace: one's own, which whoever is root there may."""
    descriptor = os.open(path, os.O_RDONLY)
    return in_a_child(lambda: _check(_LIBC.setns(descriptor, 0)))


def mount(source: str, target: str) -> str:
    """Mount a folder over another, in a child that ends with its namespace."""

    def bind() -> None:
        # Without this the twin would change the host; inside it is refused for itself.
        if os.getuid() == 0:
            _LIBC.unshare(_NAMESPACES["mount"])
        _check(_LIBC.mount(source.encode(), target.encode(), None, _MS_BIND, None))

    return in_a_child(bind)


def trace() -> str:
    """Ask to be traced: all of ptrace(2) is one system call."""
    return in_a_child(lambda: _check(_LIBC.ptrace(_PTRACE_TRACEME, 0, 0, 0)))


def keyring() -> str:
    """Name the session's keyring."""
    return in_a_child(lambda: _system_call("keyctl", _KEYCTL_GET_KEYRING_ID, _SESSION_KEYRING, 0))


def uring() -> str:
    """Make an io_uring: what is done through one no filter of system calls sees."""
    parameters = ctypes.create_string_buffer(120)
    return in_a_child(lambda: _system_call("io_uring_setup", 1, parameters))


def fault_handler() -> str:
    """Handle page faults oneself: a tool for winning races in the kernel."""
    return in_a_child(lambda: _system_call("userfaultfd", os.O_CLOEXEC | _USER_MODE_ONLY))


def hostname() -> str:
    """Set the host's name to what it is."""
    name = platform.node().encode()
    return in_a_child(lambda: _check(_LIBC.sethostname(name, len(name))))


def root_folder() -> str:
    """Change the root folder to what it is."""
    return in_a_child(lambda: os.chroot("/"))


def priority() -> str:
    """Ask for a place before all others."""
    return in_a_child(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))


def personality() -> str:
    """Take the randomness out of the addresses of one's programs."""
    return in_a_child(lambda: _check(_LIBC.personality(_ADDR_NO_RANDOMIZE)))


def become(user: int) -> str:
    """Become another user."""
    return in_a_child(lambda: os.setuid(user))


VERBS = {
    "unshare": unshare,
    "setns": setns,
    "mount": mount,
    "ptrace": trace,
    "keyctl": keyring,
    "uring": uring,
    "userfaultfd": fault_handler,
    "hostname": hostname,
    "chroot": root_folder,
    "realtime": priority,
    "personality": personality,
    "become": become,
}
