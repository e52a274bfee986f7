"""A container image without a registry: a busybox that is linked statically, and its names."""

import io
import shutil
import subprocess
import tarfile

from tests.fakes.podman_host.host import IMAGE, PodmanHost


class CannotRun(Exception):
    """Podman cannot run here; the text says why and what to do."""


def import_busybox(host: PodmanHost) -> str:
    """Make the busybox image in this host's storage and return its name; raises CannotRun."""
    archive = host.folder / "busybox.tar"
    archive.write_bytes(_root_folder())
    done = host.podman("import", str(archive), IMAGE)
    archive.unlink()
    if done.returncode != 0:
        raise CannotRun(f"podman import failed: {done.stderr.decode(errors='replace').strip()}")
    return IMAGE


def _root_folder() -> bytes:
    program = shutil.which("busybox")
    if program is None:
        raise CannotRun("busybox is missing: apt-get install busybox-static")
    names = subprocess.run([program, "--list"], capture_output=True, check=True).stdout.split()
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(program, "bin/busybox")
        for name in names:
            if name != b"busybox":
                link = tarfile.TarInfo(f"bin/{name.decode()}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                archive.addfile(link)
    return content.getvalue()
