"""
A manifest appeared in the bucket, by whatever way: the model's version policy acts.

Invoked through EventBridge, at least once for each manifest. What is not about a
version of this registry is logged and dropped; what failed raises, so that Lambda
tries again and in the end hands the event to the queue that an alarm watches.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from modelregistry.arrivals import apply_arrival
from modelregistry.aws.address import Address
from modelregistry.errors import InvalidInput, NoRegistry, NotFound
from modelregistry.manifest import MANIFEST
from modelregistry.names import ModelId, model_name, version_number
from modelregistry.opening import open_registry
from modelregistry.registry import Registry

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)


@dataclass(frozen=True)
class Arrival:
    """The version whose manifest appeared, and when."""

    id: ModelId
    at: datetime


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any] | None:  # noqa: ARG001 - Lambda passes both
    """Answers `{model, version, revision}`, for who invokes it by hand; None for other events."""
    address = Address.parse(os.environ["REGISTRY_URL"])
    try:
        arrival = read(event, address)
    except (LookupError, TypeError, ValueError, InvalidInput) as error:
        log.warning("dropped an event that is not about a version: %s", error)
        return None
    try:
        revision = apply_arrival(registry(), arrival.id, arrival.at)
    except NoRegistry:
        raise
    except NotFound as error:  # deleted since
        log.info("dropped: %s", error)
        return None
    said = f"revision {revision.number}: {revision.change.message}" if revision else "nothing to do"
    log.info("%s: %s", arrival.id, said)
    return {**arrival.id._asdict(), "revision": revision.number if revision else None}


def read(event: Mapping[str, Any], address: Address) -> Arrival:
    """
    What an "Object Created" event of S3 tells.

    `…/models/sample/2/manifest.json` at `2026-11-22T09:30:00Z` is version 2 of `sample`.
    Raises LookupError, TypeError, ValueError or InvalidInput for other events.
    """
    detail = event["detail"]
    # EventBridge gives the key as it is; it is S3's own notifications that encode it.
    bucket, key = detail["bucket"]["name"], detail["object"]["key"]
    root = f"{address.prefix}/" if address.prefix else ""
    model, version, name = str(key).removeprefix(root).split("/")
    if bucket != address.bucket or key != f"{root}{model}/{version}/{name}" or name != MANIFEST:
        raise ValueError(f"s3://{bucket}/{key} is no manifest in {address.url}")
    id = ModelId(model_name(model), version_number(version))
    if version != str(id.version):  # `007` is a directory of a trainer, not a published version
        raise ValueError(f"{version!r} is not how version {id.version} is written")
    at = datetime.fromisoformat(event["time"])
    if at.tzinfo is None:
        raise ValueError(f"{event['time']!r} names no time zone")
    return Arrival(id, at)


@cache
def registry() -> Registry:
    """The registry, opened at the first event and kept while the container lives."""
    found = open_registry(os.environ["REGISTRY_URL"])
    function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local")
    found.who = lambda: f"onpublish@{function}"
    return found
