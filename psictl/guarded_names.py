"""Variables that change what a shell or its next program does, not only what it knows (r12).

``eval "$(psictl infisical env …)"`` sets whatever the folder holds, and whoever may write one
folder may add such a key. So these are printed only when the person names them with ``--only``.
The list cannot be complete: it holds what shells, loaders, interpreters and common tools read.
"""

from fnmatch import fnmatchcase
from typing import Final, NamedTuple


class _Guard(NamedTuple):
    patterns: tuple[str, ...]
    reason: str


_GUARDS: Final = (
    _Guard(
        ("LD_*", "GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "NLSPATH", "GETCONF_DIR", "DYLD_*"),
        "the loader and the C library take code or settings from it",
    ),
    _Guard(
        ("PATH", "CDPATH", "FPATH", "IFS", "ENV", "BASH_*", "BASHOPTS", "SHELLOPTS", "SHELL"),
        "the shell finds or runs commands by it",
    ),
    _Guard(
        ("PROMPT_COMMAND", "PS[0-9]", "FCEDIT", "GLOBIGNORE", "EXECIGNORE", "HISTFILE", "ZDOTDIR"),
        "the shell expands, runs or writes what it says",
    ),
    _Guard(
        ("UID", "EUID", "PPID", "GROUPS", "RANDOM", "SRANDOM", "SECONDS", "LINENO", "_", "OPTIND",
         "OPTARG", "OLDPWD", "PWD", "SHLVL", "DIRSTACK", "FUNCNAME", "HISTCMD", "PIPESTATUS",
         "COMP_*", "EPOCH*"),
        "it is the shell's own: the value would not arrive, or end the eval",
    ),
    _Guard(
        ("HOME", "XDG_*", "TMPDIR", "TERMINFO*", "TERMCAP"),
        "programs read their configuration there",
    ),
    _Guard(
        ("PYTHON*", "PERL*", "RUBY*", "GEM_*", "BUNDLE_*", "LUA_*", "PHPRC", "PHP_INI_SCAN_DIR",
         "NODE_OPTIONS", "NODE_PATH", "NODE_REPL_EXTERNAL_MODULE", "CLASSPATH", "R_PROFILE*",
         "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_OPTS", "AWKPATH",
         "AWKLIBPATH", "TCLLIBPATH", "GUILE_*", "ERL_*", "ELIXIR_ERL_OPTIONS", "DOTNET_*",
         "CORECLR_*", "COMPlus_*", "OPENSSL_*", "GIO_*", "GTK_*", "QT_*"),
        "an interpreter or library loads code that it names",
    ),
    _Guard(
        ("GIT_*", "SSH_*", "SUDO_*", "SYSTEMD_*", "EDITOR", "VISUAL", "PAGER", "MANPAGER", "MANOPT",
         "BROWSER", "LESS", "LESSOPEN", "LESSCLOSE", "LESSKEY*", "CURL_HOME", "WGETRC",
         "SYSTEM_WGETRC", "MAKEFLAGS", "MAKEFILES", "GNUMAKEFLAGS", "TAR_OPTIONS", "GREP_OPTIONS",
         "RSYNC_RSH", "RSYNC_CONNECT_PROG", "CVS_RSH", "RUSTC", "RUSTC_*", "RUSTFLAGS", "GOFLAGS",
         "GCC_EXEC_PREFIX", "COMPILER_PATH", "NPM_CONFIG_*", "npm_config_*", "KUBECONFIG",
         "AWS_CONFIG_FILE", "PSQLRC", "INPUTRC", "CONTAINERS_*", "DOCKER_CONFIG"),
        "a common tool runs or reads what it names",
    ),
)  # fmt: skip  # one row is one reason


def guard_reason(name: str) -> str | None:
    """Return why a variable is printed only when it was named, or None where it is harmless."""
    for guard in _GUARDS:
        if any(fnmatchcase(name, pattern) for pattern in guard.patterns):
            return guard.reason
    return None
