"""A folder of wheels to install from: PSI's own, and libraries that are nothing but a name.

What is installed from it does not run; how it is installed is all the same, by the real pip.
"""

import base64
import hashlib
import sys
import zipfile
from pathlib import Path

LIBRARIES = {
    "msgspec": "0.20.0", "uvloop": "0.22.1", "sdnotify": "0.3.2", "httpx": "0.28.1",
    "cryptography": "50.0.0", "botocore": "1.40.0", "python_pkcs11": "0.10.1",
    "pyyaml": "6.0.2", "rich": "14.0.0", "typer": "0.15.2", "python_dotenv": "1.1.0",
}  # fmt: skip
"""Of every extra that is installed; tpm2-pytss has a wheel of this interpreter's own."""
TAG = f"cp{sys.version_info[0]}{sys.version_info[1]}"


def write_wheel(folder: Path, name: str, version: str, tag: str = "py3") -> Path:
    """Write the wheel of a library with one module (PyPA, binary distribution format)."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}_fake.py": f'"""A stand-in for {name}."""\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}-none-any\n",
    }
    path = folder / f"{name}-{version}-{tag}-none-any.whl"
    _write(path, {place: text.encode() for place, text in files.items()}, info)
    return path


def write_libraries(folder: Path, *, tpm: bool = True) -> None:
    """Write a wheel of everything that PSI asks for."""
    folder.mkdir(exist_ok=True)
    for name, version in LIBRARIES.items():
        write_wheel(folder, name, version)
    if tpm:
        write_wheel(folder, "tpm2_pytss", "3.0.0", TAG)


def write_variant(wheel: Path, folder: Path, changes: dict[str, bytes | None]) -> Path:
    """Write a wheel that differs from another in some files; None leaves one out."""
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    (info,) = {name.split("/")[0] for name in content if ".dist-info/" in name}
    del content[f"{info}/RECORD"]
    for name, data in changes.items():
        if data is None:
            del content[name]
        else:
            content[name] = data
    path = folder / wheel.name
    _write(path, content, info)
    return path


def _write(path: Path, files: dict[str, bytes], info: str) -> None:
    record = "".join(f"{name},{_digest(data)},{len(data)}\n" for name, data in files.items())
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")


def _digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return f"sha256={digest.rstrip(b'=').decode()}"
