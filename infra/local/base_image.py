"""
The base image of the predict function, also on machines that cannot pull it.

    python -m infra.local.base_image

`functions/predict/Dockerfile` starts from AWS's public image. If that is not here and
cannot be pulled, a stand-in is made under the very same tag (stand_in.py), so that the
Dockerfile and the template need no second way. A stand-in carries a digest of what it
was made from and is made again only when that changes; a public image is never
replaced. To be rid of the stand-in: `docker rmi` its tags.
"""

import json
import subprocess
import sys

from . import stand_in
from .engine import Refused, architecture, check_engine, docker, say

TAG = "public.ecr.aws/lambda/python:3.13"


def ensure() -> bool:
    """
    Have the base image under its tag; whether it is a stand-in.

    SAM runs zip functions from a tag that also names the architecture; it gets both.
    """
    check_engine()
    tags = (TAG, f"{TAG}-{architecture().sam}")
    made_from = {_made_from(tag) for tag in tags}
    digest = stand_in.digest()
    if made_from == {digest}:
        say(f"base image: {TAG} is the stand-in made earlier, not AWS's image")
        return True
    if made_from <= {"", None} and all(_made_from(tag) == "" or _pull(tag) for tag in tags):
        return False
    stand_in.make(TAG, digest)
    docker("tag", *tags)
    return True


def _made_from(tag: str) -> str | None:
    """The stand-in's digest; "" for an image that is none, None without an image."""
    asked = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{json .Config.Labels}}", tag],
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        return None
    return str((json.loads(asked.stdout) or {}).get(stand_in.LABEL, ""))


def _pull(tag: str) -> bool:
    """Pull a public image; whether it worked. Without a network the engine knows in seconds."""
    say(f"base image: pulling {tag}")
    pulled = subprocess.run(
        ["docker", "pull", tag], stdout=sys.stderr, stderr=subprocess.PIPE, text=True, check=False
    )
    if pulled.returncode:
        reason = (pulled.stderr.strip() or "no reason given").splitlines()[-1]
        say(f"base image: it cannot be pulled: {reason}")
    return pulled.returncode == 0


def main() -> int:
    try:
        ensure()
    except KeyboardInterrupt:
        return 130
    except (Refused, OSError) as error:
        say(f"base image: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
