"""A secret by a path that no disk holds."""

from pathlib import Path

import pytest

from psi.shared.memory_file import memory_file
from psi.shared.secret import SecretBytes


def test_the_path_gives_the_content_inside_the_block_and_not_after() -> None:
    with memory_file(SecretBytes(b"key\0\n")) as path:
        assert Path(path).read_bytes() == b"key\0\n"
        assert str(Path(path).readlink()).startswith("/memfd:")
    with pytest.raises(FileNotFoundError):
        Path(path).read_bytes()
