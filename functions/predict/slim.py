"""
Run while the image is built: keeps of the installed packages what the function uses.

    slim.py WHEEL PACKAGES

WHEEL is a directory with TensorFlow's wheel, as pip installed it without dependencies;
PACKAGES has everything else. Both are changed in place.
"""

import json
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from binding import bind

# In the order in which the loader looks through them.
LIBRARIES = "libtensorflow_cc.so.2", "libtensorflow_framework.so.2"
# boto3 describes 400 services; these are called: sts by roles that assume another, xray
# by the X-Ray SDK as soon as it is imported.
SERVICES = {"dynamodb", "s3", "sts", "xray"}


def slim_tensorflow(wheel: Path) -> None:
    """Keep the C library, the generated protobuf modules, and what the licence asks for."""
    for path in _files(wheel / "tensorflow"):
        inside = path.relative_to(wheel / "tensorflow")
        shared = len(inside.parts) == 1 and inside.name.startswith("lib")
        # Without `__init__.py` at the top: importing TensorFlow by mistake gives nothing, at once.
        module = inside.parts[0] in {"core", "tsl"} and (
            inside.name.endswith("_pb2.py") or inside.name == "__init__.py"
        )
        if not (shared or module or inside.name == "THIRD_PARTY_NOTICES.txt"):
            path.unlink()
    for path in wheel.iterdir():
        if path.name != "tensorflow" and not path.name.endswith(".dist-info"):
            shutil.rmtree(path)
    libraries = [wheel / "tensorflow" / name for name in LIBRARIES]
    bind([library for library in libraries if library.exists()])
    for library in (wheel / "tensorflow").glob("lib*.so*"):
        strip(library)
    _prune(wheel)


def strip(library: Path) -> None:
    """
    Cut off what follows the loadable segments of a 64-bit little-endian ELF file: the
    symbol table, which no loader reads, and the section headers. As `strip` would,
    which the base image has not. TensorFlow's library loses a quarter.
    """
    with library.open("r+b") as file:
        header = file.read(64)
        if header[:6] != b"\x7fELF\x02\x01":
            raise SystemExit(f"{library} is no 64-bit little-endian ELF file")
        (table,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        end = 0
        for number in range(count):
            file.seek(table + number * size)
            kind, _, offset, _, _, length = struct.unpack("<IIQQQQ", file.read(40))
            if kind == 1:  # PT_LOAD
                end = max(end, offset + length)
        file.seek(40)
        file.write(bytes(8))  # where the section headers are: nowhere
        file.seek(60)
        file.write(bytes(4))  # how many there are, and which has their names
        file.truncate(end)


def slim_packages(packages: Path) -> None:
    """Drop tests, headers and types, and the services that nobody calls."""
    for path in _files(packages):
        inside = path.relative_to(packages)
        if "tests" in inside.parts or "bin" in inside.parts or path.suffix in {".a", ".h", ".pyi"}:
            path.unlink()
    for service in (packages / "botocore/data").iterdir():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    slim_endpoints(packages / "botocore/data/endpoints.json")
    shutil.rmtree(packages / "boto3/examples", ignore_errors=True)
    _prune(packages)


def slim_endpoints(file: Path) -> None:
    """
    Keep the regions of the services that are called: 2 % of the file, all of which is read
    before the first client is made.
    """
    endpoints = json.loads(file.read_text("utf-8"))
    for partition in endpoints["partitions"]:
        services = partition["services"].items()
        partition["services"] = {name: found for name, found in services if name in SERVICES}
    file.write_text(json.dumps(endpoints, separators=(",", ":")), "utf-8")


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in list(directory.rglob("*")) if path.is_file())


def _prune(directory: Path) -> None:
    """Remove directories that have become empty, the innermost first."""
    for path in sorted(directory.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


if __name__ == "__main__":
    slim_tensorflow(Path(sys.argv[1]))
    slim_packages(Path(sys.argv[2]))
