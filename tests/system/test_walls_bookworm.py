"""Every wall of docs/matrix.md on Debian 12 (systemd 252): one host, on which all is tried once."""

from collections.abc import Iterator

import pytest

from tests.system.suite import BOOKWORM

# What the tests of both releases are; the modules are no test modules themselves.
from tests.system.walls.canaries import *  # noqa: F403
from tests.system.walls.crash import *  # noqa: F403
from tests.system.walls.devices import *  # noqa: F403
from tests.system.walls.files import *  # noqa: F403
from tests.system.walls.kernel import *  # noqa: F403
from tests.system.walls.managers import *  # noqa: F403
from tests.system.walls.network import *  # noqa: F403
from tests.system.walls.oneshots import *  # noqa: F403
from tests.system.walls.programs import *  # noqa: F403
from tests.system.walls.protocol import *  # noqa: F403
from tests.system.walls.sandbox import *  # noqa: F403
from tests.system.walls.sockets import *  # noqa: F403
from tests.system.walls.system import *  # noqa: F403
from tests.system.walls.tree import *  # noqa: F403
from tests.system.walls.trial import trial
from tests.system.walls.walled import Walled


@pytest.fixture(scope="module")
def walled() -> Iterator[Walled]:
    with trial(BOOKWORM) as walled:
        yield walled
