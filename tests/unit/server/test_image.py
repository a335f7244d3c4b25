"""What goes into the predict function's image, as far as it can be seen without Docker."""

import importlib.util
import json
import mmap
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import botocore
import pytest

from binding import Library, Relocation, bind
from slim import LIBRARIES, SERVICES

ENDPOINTS = "data/endpoints.json"
ROOT = Path(__file__).parents[3]
PREDICT = ROOT / "functions" / "predict"


def names(lines: list[str]) -> list[str]:
    """The distributions that requirements name, without versions, extras and markers."""
    return [re.split(r"[\[<>=;~ ]", line)[0] for line in lines if line and line[0] != "#"]


@pytest.mark.parametrize("file", ["requirements.txt", "tensorflow.txt"])
def test_what_the_image_installs_is_what_the_project_needs_and_pins(file: str) -> None:
    wanted = names((PREDICT / file).read_text().splitlines())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = names(project["dependencies"] + extras["serve"] + extras["lambda"])
    pinned = names((ROOT / "constraints.txt").read_text().splitlines())
    assert wanted
    assert set(wanted) <= set(needed) & set(pinned)


def test_what_the_function_imports_is_in_the_image() -> None:
    """
    All that `serve` and `lambda` name, but for the server of one machine, the framework
    around its application, and the checksums of warm-up files, which are read there only
    where a plan was lost.
    """
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    also = {"boto3", "protobuf"}  # of those that `deploy` needs anyway
    elsewhere = {"fastapi", "uvicorn", "httptools", "google-crc32c"}
    needed = set(names(extras["serve"] + extras["lambda"])) - elsewhere | also
    files = [PREDICT / "requirements.txt", PREDICT / "tensorflow.txt"]
    wanted = {name for file in files for name in names(file.read_text().splitlines())}
    assert needed == wanted


def test_the_build_context_holds_what_the_dockerfile_copies_and_little_else() -> None:
    dockerfile = (PREDICT / "Dockerfile").read_text()
    copied = [
        source
        for line in dockerfile.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert "*" in rules
    for source in copied:
        assert (ROOT / source).exists()
        assert any(source == path or source.startswith(f"{path}/") for path in allowed)


def installed_library() -> Path:
    """The smaller one of TensorFlow's libraries."""
    found = importlib.util.find_spec("tensorflow")
    assert found
    library = Path(next(iter(found.submodule_search_locations or [])), LIBRARIES[-1])
    if not library.exists():
        pytest.skip("slim.py is for the libraries of Linux")
    return library


@pytest.fixture(scope="module")
def slimmed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A wheel and packages after `slim.py`; of TensorFlow the smaller library is the real one."""
    home = tmp_path_factory.mktemp("image")
    wheel, packages = home / "wheel", home / "packages"
    library = installed_library()
    for name in (
        "tensorflow/__init__.py",
        "tensorflow/THIRD_PARTY_NOTICES.txt",
        "tensorflow/python/pywrap.so",
        "tensorflow/python/framework/types_pb2.py",
        "tensorflow/core/__init__.py",
        "tensorflow/core/framework/types_pb2.py",
        "tensorflow/include/core.h",
        "tensorflow_cpu-2.21.0.dist-info/METADATA",
        "bin/saved_model_cli",
    ):
        touch(wheel / name)
    shutil.copy(library, wheel / "tensorflow")
    for name in (
        "numpy/core.so",
        "numpy/tests/test_core.py",
        "numpy/include/core.h",
        "numpy/core.pyi",
        "bin/f2py",
        "boto3/session.py",
        "boto3/examples/s3.rst",
        "botocore/data/s3/2006-03-01/service-2.json.gz",
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
    ):
        touch(packages / name)
    whole = Path(botocore.__file__).parent / ENDPOINTS
    shutil.copy(whole, packages / "botocore" / ENDPOINTS)
    subprocess.run([sys.executable, PREDICT / "slim.py", wheel, packages], check=True)
    return wheel, packages


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")


def kept(directory: Path) -> list[str]:
    found = [path.relative_to(directory) for path in directory.rglob("*") if path.is_file()]
    return sorted(map(str, found))


def test_of_tensorflow_its_library_its_protos_and_its_licences_are_kept(
    slimmed: tuple[Path, Path],
) -> None:
    expected = [
        "tensorflow/THIRD_PARTY_NOTICES.txt",
        "tensorflow/core/__init__.py",
        "tensorflow/core/framework/types_pb2.py",
        "tensorflow/libtensorflow_framework.so.2",
        "tensorflow_cpu-2.21.0.dist-info/METADATA",
    ]
    assert expected == kept(slimmed[0])


def test_of_the_packages_tests_headers_and_services_that_nobody_calls_go(
    slimmed: tuple[Path, Path],
) -> None:
    expected = [
        "boto3/session.py",
        "botocore/data/endpoints.json",
        "botocore/data/s3/2006-03-01/service-2.json.gz",
        "numpy/core.so",
    ]
    assert expected == kept(slimmed[1])
    assert not (slimmed[1] / "numpy/tests").exists()


def test_of_the_regions_those_of_the_services_that_are_called_are_kept(
    slimmed: tuple[Path, Path],
) -> None:
    def partitions(botocore_directory: Path) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((botocore_directory / ENDPOINTS).read_text())[
            "partitions"
        ]
        return found

    kept = partitions(slimmed[1] / "botocore")
    assert {"s3", "dynamodb", "sts"} <= set(kept[0]["services"]) <= SERVICES
    for before, after in zip(partitions(Path(botocore.__file__).parent), kept, strict=True):
        for name, service in after["services"].items():
            assert before["services"][name] == service
        assert before | {"services": {}} == after | {"services": {}}


def test_a_library_without_its_symbol_table_is_smaller_and_loads(
    slimmed: tuple[Path, Path],
) -> None:
    library = slimmed[0] / "tensorflow/libtensorflow_framework.so.2"
    assert library.stat().st_size < installed_library().stat().st_size
    code = "import ctypes, sys; ctypes.CDLL(sys.argv[1]).TF_TensorData"
    subprocess.run([sys.executable, "-c", code, library], check=True)


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two copies of the real library, bound as if the loader looked through both."""
    home = tmp_path_factory.mktemp("bound")
    first, second = home / "libfirst.so", home / "libsecond.so"
    for copy in (first, second):
        shutil.copy(installed_library(), copy)
    bind([first, second])
    return first, second


def pointers(path: Path) -> list[Relocation]:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as image:
        return sorted(Library(image, path).pointers())


# What the loader has stored where, as far as it is an address of the library itself.
STORED = """
import ctypes, os, sys
path, *places = sys.argv[1], *map(int, sys.stdin.read().split())
ctypes.CDLL(path, mode=os.RTLD_NOW)
with open("/proc/self/maps") as maps:
    ranges = [line.split()[0].split("-") for line in maps if line.rstrip().endswith(path)]
base, end = (int(text, 16) for text in (ranges[0][0], ranges[-1][1]))
for place in places:
    value = ctypes.c_uint64.from_address(base + place).value - base
    print(place, value if 0 <= value < end - base else "elsewhere")
"""


def stored(library: Path, places: list[int]) -> list[str]:
    child = subprocess.run(
        [sys.executable, "-c", STORED, library],
        input=" ".join(map(str, places)),
        check=True,
        capture_output=True,
        text=True,
    )
    return child.stdout.splitlines()


def test_a_bound_library_holds_every_address_that_the_loader_would_have_looked_up(
    bound: tuple[Path, Path],
) -> None:
    places = [one.place for one in pointers(installed_library())]
    expected = stored(installed_library(), places)
    assert len(expected) > 50_000
    assert expected == stored(bound[0], places)


def test_little_is_left_to_look_up_in_a_bound_library(bound: tuple[Path, Path]) -> None:
    before, after = (
        sum(bool(one.symbol) for one in pointers(path)) for path in (installed_library(), bound[0])
    )
    assert after < before / 5


def test_what_an_earlier_library_defines_is_still_looked_up(bound: tuple[Path, Path]) -> None:
    assert pointers(installed_library()) == pointers(bound[1])


def test_a_function_that_is_called_first_in_a_bound_library_is_there(
    bound: tuple[Path, Path],
) -> None:
    script = """if True:
        import ctypes, os, sys
        system = ctypes.CDLL(None)
        system.dlopen.restype = ctypes.c_void_p
        handle = system.dlopen(sys.argv[1].encode(), os.RTLD_LAZY)
        library = ctypes.CDLL(sys.argv[1], handle=handle)
        library.TF_NewStatus.restype = library.TF_Message.restype = ctypes.c_void_p
        status = ctypes.c_void_p(library.TF_NewStatus())
        library.TF_SetStatus(status, 3, b"bound")
        print(library.TF_GetCode(status), ctypes.string_at(library.TF_Message(status)).decode())
    """
    child = subprocess.run(
        [sys.executable, "-c", script, bound[0]], check=True, capture_output=True, text=True
    )
    assert "3 bound\n" == child.stdout


def test_what_is_no_library_is_refused_rather_than_cut(tmp_path: Path) -> None:
    wheel, packages = tmp_path / "wheel", tmp_path / "packages"
    touch(wheel / "tensorflow/libtensorflow_cc.so.2")
    touch(packages / "botocore/data/endpoints.json")
    child = subprocess.run(
        [sys.executable, PREDICT / "slim.py", wheel, packages],
        check=False,
        capture_output=True,
        text=True,
    )
    assert 1 == child.returncode
    assert "libtensorflow_cc.so.2 is no 64-bit little-endian ELF file" in child.stderr
