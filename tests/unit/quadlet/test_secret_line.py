"""Secret= lines, and the hostile names of r1 that must never become one."""

import pytest

from psi.shared.errors import ConfigError, InvalidName
from psi.shared.projection import KeyOptions
from psictl.quadlet.secret_line import SecretUse, secret_line

HOSTILE = [
    "X\nPodmanArgs=--privileged\nVolume=/:/host",
    "Y\n[Service]\nExecStartPre=/bin/sh",
    "X,type=mount,target=/etc/ld.so.preload",
    "END\\",
    'X"Y',
    "X'Y",
    "%i",
    "X%%Y",
    "X Y",
    "X\tY",
    "X;Y",
    "X=Y",
    "X/Y",
    "$X",
    "`X`",
    "X\x00",
    "X\n",
    "\x1b[2J",
    "ключ",
    "-X",
    "",
    "K" * 129,
]


def mount(**options: str | int) -> KeyOptions:
    return KeyOptions(type="mount", **options)  # type: ignore[arg-type]  # the test's own words


def test_a_variable() -> None:
    assert secret_line("myapp", SecretUse("DB_HOST")) == "myapp--DB_HOST,type=env,target=DB_HOST"


def test_a_variable_of_another_name() -> None:
    use = SecretUse("DB_HOST", KeyOptions(target="PGHOST"))
    assert secret_line("w@", use) == "w@--DB_HOST,type=env,target=PGHOST"


def test_a_mount_with_its_owner_and_mode() -> None:
    use = SecretUse("tls.crt", mount(target="/etc/tls/web.crt", uid=0, gid=2**32 - 2, mode="0440"))
    assert secret_line("a", use) == (
        "a--tls.crt,type=mount,target=/etc/tls/web.crt,uid=0,gid=4294967294,mode=0440"
    )


def test_a_mount_is_called_after_its_key() -> None:
    assert secret_line("a", SecretUse("tls.crt", mount())) == "a--tls.crt,type=mount,target=tls.crt"


def test_a_percent_sign_is_doubled_since_systemd_expands_it() -> None:
    assert secret_line("a", SecretUse("K", mount(target="/etc/%i"))).endswith("target=/etc/%%i")


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_is_no_variable(key: str) -> None:
    with pytest.raises(InvalidName) as caught:
        secret_line("myapp", SecretUse(key))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_is_no_mount(key: str) -> None:
    with pytest.raises(InvalidName) as caught:
        secret_line("myapp", SecretUse(key, mount(target="/etc/x")))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("key", ["tls.crt", "my-key", "9LIVES"])
def test_a_key_that_is_no_variable_name_is_refused_as_one(key: str) -> None:
    with pytest.raises(InvalidName, match="environment variable name"):
        secret_line("myapp", SecretUse(key))


@pytest.mark.parametrize("target", HOSTILE)
def test_a_hostile_target_is_no_variable(target: str) -> None:
    with pytest.raises(InvalidName):
        secret_line("myapp", SecretUse("K", KeyOptions(target=target)))


@pytest.mark.parametrize(
    "target",
    [
        *(name for name in HOSTILE if name not in {"%i", "X%%Y", "X/Y", "-X", "K" * 129}),
        "/etc/../x",
        "..",
        "/",
        "/a//b",
        "/a/",
        "/a\n",
        "/a,uid=0",
        "/" + "a/" * 512 + "b",
    ],
)
def test_a_hostile_path_is_no_mount_target(target: str) -> None:
    with pytest.raises(InvalidName, match="mount target"):
        secret_line("myapp", SecretUse("K", mount(target=target)))


@pytest.mark.parametrize("workload", ["wind-", "a b", "a\n", "a,b", "../a", "", "a@b"])
def test_a_workload_name_that_is_none_is_refused(workload: str) -> None:
    with pytest.raises(InvalidName, match="workload name"):
        secret_line(workload, SecretUse("K"))


@pytest.mark.parametrize("option", [{"uid": 0}, {"gid": 0}, {"mode": "0400"}])
def test_a_variable_has_no_owner_or_mode(option: dict[str, int | str]) -> None:
    use = SecretUse("K", KeyOptions(**option))  # type: ignore[arg-type]  # the test's own words
    with pytest.raises(ConfigError, match="goes with type: mount only"):
        secret_line("a", use)


@pytest.mark.parametrize(
    "option", [{"uid": -1}, {"gid": 2**32 - 1}, {"mode": "999"}, {"mode": "0400,x"}, {"mode": "40"}]
)
def test_an_owner_or_mode_out_of_bounds_is_refused(option: dict[str, int | str]) -> None:
    with pytest.raises(ConfigError, match="key K: "):
        secret_line("a", SecretUse("K", mount(**option)))
