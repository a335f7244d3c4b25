"""
What the predict function's image weighs, part by part, beyond its base image.

    python -m infra.local.weigh

Unpacked megabytes; what is stored and pulled is compressed. Files that the base image
has, too, count as the base's.
"""

import json
import subprocess
import sys
from collections import Counter

from . import base_image, sam
from .engine import CHECKOUT, Refused, say

IMAGE = "predictfunction:predict"  # what `sam build` calls it
BUILT = CHECKOUT / ".aws-sam" / "local"
MB = 1_000_000
LARGE = 5 * MB  # bytes from which a file is named by itself

LIST = """
import json, os
files, not_files = {}, {"/proc", "/sys", "/dev"}
for place, directories, names in os.walk("/"):
    directories[:] = [name for name in directories if place + name not in not_files]
    for name in names:
        path = os.path.join(place, name)
        if not os.path.islink(path):
            files[path] = os.path.getsize(path)
print(json.dumps(files))
"""


def files(image: str) -> dict[str, int]:
    """Every file of `image`, with its bytes."""
    listed = subprocess.run(
        ["docker", "run", "--rm", "--network=none", "--entrypoint=python", image, "-c", LIST],
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        raise Refused(f"cannot look into {image}: {listed.stderr.strip()}")
    found: dict[str, int] = json.loads(listed.stdout)
    return found


def added(image: str = IMAGE, base: str = base_image.TAG) -> dict[str, int]:
    """What `image` has and `base` has not."""
    before = files(base)
    return {path: size for path, size in files(image).items() if path not in before}


def parts(found: dict[str, int]) -> Counter[str]:
    """Bytes by package: `/var/task/numpy`, and so on; large files by themselves."""
    weights: Counter[str] = Counter()
    for path, size in found.items():
        weights[path if size >= LARGE else "/".join(path.split("/")[:4])] += size
    return weights


def main() -> int:
    try:
        stand_in = base_image.ensure()
        sam.check_sam()
        sam.build(BUILT)
        found = added()
        base = sum(files(base_image.TAG).values())
    except KeyboardInterrupt:
        return 130
    except (Refused, OSError) as error:
        say(f"weigh: {error}")
        return 1
    for part, size in parts(found).most_common():
        if size >= MB / 10:
            print(f"{size / MB:8.1f} MB  {part}")
    print(f"{sum(found.values()) / MB:8.1f} MB  in all, beyond the base image")
    print(f"{base / MB:8.1f} MB  base image{', a stand-in with a wheelhouse' if stand_in else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
