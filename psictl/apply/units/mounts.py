"""What is bound into a service's root folder from the host; each may be missing (``-``).

A mount has flags of its own: what the shipped units say of the folders around it does not reach
it. Without ``+`` NoExecPaths= and its kind would mean the host's tree (systemd.exec(5)).
"""

from psictl.apply.units.words import word


def shown(folder: str) -> list[str]:
    """Return what lets a folder be read, and nothing in it be run."""
    return [f"BindReadOnlyPaths={word('-' + folder)}", _not_run(folder)]


def shared(folder: str) -> list[str]:
    """Return what lets a folder be used as its permissions say, and nothing in it be run."""
    return [f"BindPaths={word('-' + folder)}", _not_run(folder)]


def code(folder: str, *, is_seen: bool) -> list[str]:
    """Return what lets libraries of a folder be loaded, and not be changed.

    One that is seen already gets a mount of its own by this, which would else be writable.
    """
    run = f"ExecPaths={word('-+' + folder)}"
    if is_seen:
        return [run, f"ReadOnlyPaths={word('-+' + folder)}"]
    return [f"BindReadOnlyPaths={word('-' + folder)}", run]


def _not_run(folder: str) -> str:
    return f"NoExecPaths={word('-+' + folder)}"
