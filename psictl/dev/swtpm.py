"""swtpm: a TPM 2.0 as a process of our own, its state in a folder (swtpm(8))."""

from pathlib import Path

from psictl.dev.emulator import find_program


def swtpm_sockets(folder: Path) -> tuple[Path, Path]:
    """Return where it listens, and its control, which libtss2's transport expects beside it."""
    return folder / "sock", folder / "sock.ctrl"


def swtpm_argv(folder: Path) -> tuple[str, ...]:
    """Return the command of a TPM that has started up; raises ConfigError where none is."""
    listening, control = swtpm_sockets(folder)
    return (
        find_program("swtpm", "swtpm"),
        "socket",
        "--tpm2",
        "--tpmstate",
        f"dir={folder}",
        "--server",
        f"type=unixio,path={listening}",
        "--ctrl",
        f"type=unixio,path={control}",
        "--flags",
        "not-need-init,startup-clear",
        # On stderr it would say a line for every client that disconnects.
        "--log",
        f"file={folder / 'swtpm.log'}",
    )
