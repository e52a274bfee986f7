"""A container image without a registry: the host's busybox, and the names it goes by."""

from typing import Final

from tests.system.host import Host

IMAGE: Final = "localhost/busybox:test"
_SCRIPT: Final = """\
folder=$(mktemp -d)
mkdir "$folder/bin" "$folder/tmp" "$folder/etc"
cp /usr/bin/busybox "$folder/bin/" 2>/dev/null || cp /bin/busybox "$folder/bin/"
chroot "$folder" /bin/busybox --install -s /bin
tar -C "$folder" -c . | podman import --quiet - "$1"
rm -r "$folder"
"""


def import_busybox(host: Host) -> str:
    """Make the image in the host's Podman and return its name."""
    host.run(["/bin/sh", "-euc", _SCRIPT, "sh", IMAGE])
    return IMAGE
