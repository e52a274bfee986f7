"""Lines for a shell: they mean what they say to real shells, or nothing comes (r12)."""

import shutil
import subprocess

import pytest

from psi.shared.errors import PsiError
from psi.shared.messages.broker import SecretEntry
from psi.shared.secret import SecretBytes
from psictl.guarded_names import guard_reason
from psictl.shell_output import ShellFormat, render_secrets

NASTY = {
    "quotes": 'it\'s "quoted" `and` \\more\\',
    "substitution": "$(touch /tmp/psi-owned) `id` ${HOME} $((1+1))",
    "newlines": "first\nsecond\n\n",
    "carriage returns": "a\r\nb\r",
    "semicolons": "a; echo owned; b & c | d > /dev/null",
    "a tilde and globs": "~ * ? [a-z] {a,b} ~/x:~/y",
    "spaces": "  two  \t tabs\t ",
    "an equals sign": "=a=b=",
    "history": "!! !$ ^a^b",
    "a hash": "# no comment",
    "an option": "-n",
    "unicode": "gr\u00fc\u00df \U0001f511 \u2028 \u202e",
    "controls": "".join(map(chr, range(1, 32))),
    "dollar quotes": "$'\\x41' $\"b\"",
    "a big one": "x'" * 50_000,
}
SHELLS = [shell for shell in ("sh", "bash", "dash") if shutil.which(shell)]


def entry(key: str, value: bytes) -> SecretEntry:
    return SecretEntry(key=key, value=SecretBytes(value))


def export(*entries: SecretEntry, only: tuple[str, ...] = ()) -> bytes:
    return render_secrets(entries, ShellFormat.EXPORT, only).reveal()


def env(*entries: SecretEntry, only: tuple[str, ...] = ()) -> bytes:
    return render_secrets(entries, ShellFormat.ENV, only).reveal()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
def test_a_real_shell_gets_the_exact_value(shell: str, text: str) -> None:
    lines = export(entry("FIRST", b"one"), entry("VALUE", text.encode()), entry("LAST", b"end"))
    # The lines come through a pipe: one argument of an exec ends at 128 KiB.
    script = (
        'eval "$(cat)"; printf "%s,%s," "$FIRST" "$LAST"; printf %s "$VALUE"; '
        '/bin/sh -c \'printf ",%s" "${FIRST-unset}"\''
    )
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [shell, "-c", script], input=lines, env=environment, capture_output=True, check=True
    )
    assert done.stdout == b"one,end," + text.encode() + b",one"
    assert done.stderr == b""


@pytest.mark.parametrize(
    "name",
    [
        "LD_PRELOAD", "LD_LIBRARY_PATH", "PATH", "IFS", "ENV", "BASH_ENV", "PROMPT_COMMAND", "PS4",
        "SHELLOPTS", "PYTHONPATH", "PYTHONSTARTUP", "PERL5OPT", "NODE_OPTIONS", "GIT_SSH_COMMAND",
        "HOME", "EDITOR", "PAGER", "LESSOPEN", "JAVA_TOOL_OPTIONS", "RUBYOPT", "UID", "PS1",
    ],
)  # fmt: skip  # words
def test_a_guarded_name_is_printed_only_when_named(name: str) -> None:
    with pytest.raises(PsiError, match=name):
        export(entry("GOOD", b"1"), entry(name, b"evil"))
    assert export(entry(name, b"good"), only=(name,)) == f"export {name}=good\n".encode()


@pytest.mark.parametrize(
    "name", ["DB_HOST", "API_KEY", "PATHS", "MY_PATH", "AWS_SECRET_ACCESS_KEY", "PORT", "NODE_ENV"]
)
def test_an_ordinary_name_is_not_guarded(name: str) -> None:
    assert guard_reason(name) is None


@pytest.mark.parametrize("key", ["A\nB", "1A", "a b", "a-b", "A;id", "$(id)", "\uff21"])
def test_a_key_that_is_no_variable_is_refused(key: str) -> None:
    with pytest.raises(PsiError, match="rename it") as caught:
        export(entry(key, b"1"))
    assert str(caught.value).replace("\n  ", "").isprintable()


@pytest.mark.parametrize("render", [export, env])
def test_a_nul_is_refused(render: object) -> None:
    with pytest.raises(PsiError, match="NUL"):
        render(entry("A", b"x\0y"))  # type: ignore[operator]  # one of two functions


def test_a_value_that_is_no_text_is_refused_without_showing_it() -> None:
    with pytest.raises(PsiError, match=r"not UTF-8 text \(byte 6\)") as caught:
        export(entry("A", b"secret\xff"))
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("value", [b"a\nB=forged", b"a\rB=forged", b"\n"])
def test_the_env_format_refuses_a_line_break(value: bytes) -> None:
    with pytest.raises(PsiError, match="line break"):
        env(entry("A", value))


def test_the_env_format_takes_values_literally() -> None:
    assert env(entry("A", b"it's $x #"), entry("B", b"2")) == b"A=it's $x #\nB=2\n"


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(PsiError) as caught:
        export(entry("PATH", b"1"), entry("GOOD", b"2"), entry("A", b"\0"), entry("1", b"3"))
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["PATH", "A", "1"]
