"""
A stand-in for the public Lambda image: Debian trixie, whose Python is 3.13 as well.

Laid out as the public image: Python in /var/lang, the runtime's client and boto3 in
/var/runtime, the function in /var/task, layers in /opt, an entry point that turns to
the runtime emulator off Lambda. In addition it has the wheels that the Dockerfile
installs and tells pip of them, because where an image cannot be pulled builds have no
network either. What it is not: Amazon Linux. Its C library is newer.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .engine import CHECKOUT, Refused, architecture, emulator, run, say

LABEL = "lambda-serving.stand-in"
PARTS = Path(__file__).with_name("stand-in")
RUNTIME = PARTS / "requirements.txt"
REQUIREMENTS = CHECKOUT / "functions/predict/requirements.txt"
ALONE = CHECKOUT / "functions/predict/tensorflow.txt"  # installed without dependencies
CONSTRAINTS = CHECKOUT / "constraints.txt"

SUITE = "trixie"
PACKAGES = "ca-certificates,python3.13-venv"
# The oldest C libraries that wheels name, up to Amazon Linux 2023's own, 2.34.
GLIBCS = ("2014", "_2_17", "_2_24", "_2_26", "_2_27", "_2_28", "_2_31", "_2_34")
PLACES = {
    "lambda-entrypoint.sh": "lambda-entrypoint.sh",
    "bootstrap": "var/runtime/bootstrap",
    "pip.conf": "etc/pip.conf",
}
LEAVE_OUT = ("var/lib/apt/lists/*", "var/cache/apt/archives/*.deb", "var/log/*")
LIBRARIES = ("/var/lang/lib", "/lib64", "/usr/lib64", "/var/runtime", "/var/task", "/opt/lib")
CONFIGURATION = (
    "ENV LANG=C.UTF-8",
    "ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
    f"ENV LD_LIBRARY_PATH={':'.join(LIBRARIES)}",
    "ENV LAMBDA_TASK_ROOT=/var/task",
    "ENV LAMBDA_RUNTIME_DIR=/var/runtime",
    "WORKDIR /var/task",
    'ENTRYPOINT ["/lambda-entrypoint.sh"]',
)


def digest() -> str:
    """Of everything that decides what a stand-in contains."""
    made_from = hashlib.sha256()
    files = (Path(__file__), *sorted(PARTS.iterdir()), REQUIREMENTS, ALONE, CONSTRAINTS, emulator())
    for file in files:
        made_from.update(hashlib.sha256(file.read_bytes()).digest())
    return made_from.hexdigest()


def make(tag: str, made_from: str) -> None:
    """Import a stand-in as `tag`, labelled with `made_from`. Takes a minute or two."""
    if not shutil.which("debootstrap"):
        raise Refused(f"{tag} cannot be pulled; for a stand-in: apt-get install debootstrap")
    if os.geteuid():
        raise Refused(f"{tag} cannot be pulled, and making a stand-in needs root; use sudo")
    say(f"base image: making a stand-in for {tag} from Debian {SUITE}; takes a minute or two")
    # Not in /tmp, which may be mounted nodev: debootstrap makes devices.
    with tempfile.TemporaryDirectory(prefix="stand-in-", dir="/var/tmp") as place:
        root = Path(place, "root")
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, root, *_mirror())
        _lay_out(root)
        _install_runtime(root)
        _fill_wheelhouse(root)
        for pattern in LEAVE_OUT:
            for path in root.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        _import(root, tag, made_from)
    say("base image: made the stand-in; it is not AWS's image, but serves these functions alike")


def _mirror() -> list[str]:
    """Where this machine gets Debian from, if it does; else debootstrap knows a place."""
    if not shutil.which("apt-get"):
        return []
    listed = run("apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)")
    return [
        source.removeprefix("Debian Debian ")
        for source in listed.splitlines()
        if source.startswith("Debian Debian ")
    ][:1]


def _lay_out(root: Path) -> None:
    run("chroot", root, "python3.13", "-m", "venv", "/var/lang")
    for directory in ("var/task", "var/runtime", "var/rapid"):
        (root / directory).mkdir()
    for part, place in PLACES.items():
        shutil.copyfile(PARTS / part, root / place)
        (root / place).chmod(0o755)
    shutil.copy2(emulator(), root / "usr/local/bin/aws-lambda-rie")


def _install_runtime(root: Path) -> None:
    wheels = root / "var/wheels"
    download(RUNTIME, wheels)
    _pip(root, RUNTIME, "--find-links=/var/wheels", "--target=/var/runtime")
    shutil.rmtree(wheels)


def _fill_wheelhouse(root: Path) -> None:
    wheels = root / "var/wheelhouse"
    download(ALONE, wheels, "--no-deps")
    download(REQUIREMENTS, wheels)
    # Fail here, not in the build, if a wheel is missing.
    _pip(root, ALONE, "--dry-run", "--no-deps")
    _pip(root, REQUIREMENTS, "--dry-run")


def download(requirements: Path, wheels: Path, *options: str) -> None:
    """Into `wheels` what `requirements` want at this project's versions, for the image's Python."""
    glibcs = [f"--platform=manylinux{glibc}_{platform.machine()}" for glibc in GLIBCS]
    wanted = ("--only-binary=:all:", "--python-version=3.13", "--implementation=cp", *glibcs)
    run(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *(*wanted, *options),
        *(f"--constraint={CONSTRAINTS}", f"--requirement={requirements}", f"--dest={wheels}"),
    )


def _pip(root: Path, requirements: Path, *options: str) -> None:
    """Install inside `root`, without the host's pip settings: they name places it cannot see."""
    inside = Path("tmp/requirements.txt")
    shutil.copyfile(requirements, root / inside)
    clean = ("env", "-i", "HOME=/root", "PATH=/var/lang/bin:/usr/bin:/bin")
    run("chroot", root, *clean, "pip", "install", "--quiet", *options, f"--requirement=/{inside}")
    (root / inside).unlink()


def _import(root: Path, tag: str, made_from: str) -> None:
    settings = (*CONFIGURATION, f"LABEL {LABEL}={made_from}")
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
        run(
            *("docker", "import", f"--platform=linux/{architecture().docker}"),
            *(f"--change={setting}" for setting in settings),
            *("-", tag),
            stdin=tar.stdout,
        )
    if tar.returncode:
        raise Refused("tar could not read what debootstrap made")
