"""
JSON documents that carry their own digest.

A manifest and a plan are small files that everything else is judged by, so a
flipped bit in one must be seen. The member `sha256` is the SHA-256 of the other
members, written as JSON with sorted keys and no spaces.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from .errors import Damaged

SCHEMA = 1


def seal(document: Mapping[str, Any]) -> bytes:
    """`document` as indented UTF-8 JSON with its `schema` and `sha256` added."""
    body = {"schema": SCHEMA, **document}
    text = json.dumps({**body, "sha256": _digest(body)}, indent=1, ensure_ascii=False)
    return text.encode() + b"\n"


def unseal(data: bytes, where: str) -> dict[str, Any]:
    """
    The members that `seal` was given. `where` names the file in errors.

    Raises Damaged where the digest, the JSON or the schema is not what was written.
    """
    try:
        body = json.loads(data)
        written = body.pop("sha256")
        schema = body["schema"]
        sound = written == _digest(body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(f"{where} is not a document of this registry") from error
    if not sound:
        raise Damaged(f"{where} does not match its own digest: it was changed after publishing")
    if schema != SCHEMA:
        raise Damaged(
            f"{where} has schema {schema!r}, this version reads {SCHEMA}",
            hint="a newer lambda-serving wrote it: upgrade this one",
        )
    del body["schema"]
    return dict(body)


def _digest(body: Mapping[str, Any]) -> str:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
