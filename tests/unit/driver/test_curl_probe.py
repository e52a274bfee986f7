"""What the trial of curl finds on hosts with other curls: each is a program on PATH."""

import os
import shutil
from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psictl.podman.curl_probe import probe_curl

CURL = shutil.which("curl")
# What a curl older than 7.84 does: it does not know %header and prints the rest to stdout.
OLD_CURL = f"""#!/bin/sh
case "$*" in *psi-reason*) {CURL} "$@"; code=$?; printf 'psi: '; exit $code ;; esac
exec {CURL} "$@"
"""


def with_curl(folder: Path, script: str) -> dict[str, str]:
    """Return an environment where curl is this script."""
    program = folder / "curl"
    program.write_text(script)
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_this_curl_may_print_the_reason() -> None:
    assert CURL is not None, "curl is missing: apt-get install curl"
    assert probe_curl().with_reason is True


def test_an_old_curl_loses_the_reason_and_the_message_tells(tmp_path: Path) -> None:
    probe = probe_curl(with_curl(tmp_path, OLD_CURL))
    assert probe.with_reason is False
    assert "older than 7.84" in probe.message


def test_no_curl_at_all_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(PsiError, match="apt-get install curl"):
        probe_curl({"PATH": str(tmp_path)})


def test_a_curl_without_unix_sockets_is_an_error_that_says_what_it_said(tmp_path: Path) -> None:
    broken = "#!/bin/sh\necho 'curl: option --unix-socket: is unknown' >&2\nexit 2\n"
    with pytest.raises(PsiError, match="option --unix-socket: is unknown"):
        probe_curl(with_curl(tmp_path, broken))


def test_a_curl_that_adds_to_the_value_is_an_error(tmp_path: Path) -> None:
    adding = f'#!/bin/sh\n{CURL} "$@" || exit $?\necho more\n'
    with pytest.raises(PsiError, match="did not fetch a test value"):
        probe_curl(with_curl(tmp_path, adding))


def test_a_curl_that_takes_an_error_for_a_value_is_an_error(tmp_path: Path) -> None:
    forgiving = f'#!/bin/sh\n{CURL} "$@"\nexit 0\n'
    with pytest.raises(PsiError, match="did not fetch a test value"):
        probe_curl(with_curl(tmp_path, forgiving))
