"""
One entry of a model's log: the whole state after a change, and the change.

Stored as JSON. `change.id` is unique, so that a writer whose reply was lost can
tell its own revision from a rival's.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from .. import clock
from ..errors import Damaged, InvalidInput, Refused
from ..names import model_name
from . import numbers
from . import state as states
from .state import State

SCHEMA = 1
WITH_RUNS = 2  # schema 1, and runs of numbers as pairs; written only where there are some
WITH_RULES = 3  # schema 2, and what decides about callers beside weights; likewise
# DynamoDB's limit for an item, less room for keys and attribute names. Every
# table keeps to it, so that a model can move to any of them.
MAX_BYTES = 398 * 1024
# Servers read the same text once a second a model; a hundred rules take 1.5 ms, and up to 30.
_KEPT = 32


@dataclass(frozen=True)
class Change:
    """What was done: `action` is the verb, `by` user@host, `at` never before its predecessor."""

    id: str
    action: str
    by: str
    at: datetime
    message: str = ""


@dataclass(frozen=True)
class Revision:
    model: str
    number: int
    state: State
    change: Change


def as_json(revision: Revision) -> dict[str, Any]:
    """The revision as plain JSON values, for `--json`; `decode` reads them, too."""
    schema = SCHEMA if states.is_plain(revision.state) else WITH_RULES
    return _document(revision, schema, states.to_json(revision.state))


def _document(revision: Revision, schema: int, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": schema,
        "model": revision.model,
        "revision": revision.number,
        **state,
        "change": {
            "id": revision.change.id,
            "action": revision.change.action,
            "by": revision.change.by,
            "at": clock.stamp(revision.change.at),
            "message": revision.change.message,
        },
    }


def encode(revision: Revision) -> str:
    """What a table stores. Raises Refused where it would not fit into a DynamoDB item."""
    state = states.to_json(revision.state, numbers.to_json)
    has_runs = any(isinstance(n, list) for n in [*state["acted_on"], *state["retired"]])
    schema = WITH_RUNS if has_runs else SCHEMA
    if not states.is_plain(revision.state):
        schema = WITH_RULES
    document = _document(revision, schema, state)
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    size = len(text.encode())
    if size > MAX_BYTES:
        raise Refused(
            f"revision {revision.number} of {revision.model} would take {size:,} bytes,"
            f" more than the {MAX_BYTES:,} of one table item",
            hint="unset aliases that nobody calls, take rules away, or shorten the message",
        )
    return text


@lru_cache(_KEPT)
def decode(text: str, where: str) -> Revision:
    """Read what `encode` wrote. Raises Damaged, naming `where`, for anything else."""
    try:
        body = json.loads(text)
        if body["schema"] not in {SCHEMA, WITH_RUNS, WITH_RULES}:
            raise Damaged(
                f"{where} has schema {body['schema']!r}, this version reads up to {WITH_RULES}",
                hint="a newer lambda-serving wrote it: upgrade this one",
            )
        change = body["change"]
        return Revision(
            model=model_name(body["model"]),
            number=int(body["revision"]),
            state=states.from_json(body),
            change=Change(
                id=str(change["id"]),
                action=str(change["action"]),
                by=str(change["by"]),
                at=clock.read_stamp(change["at"]),
                message=str(change["message"]),
            ),
        )
    except (
        ValueError,
        ArithmeticError,  # a weight or number that Decimal or int cannot be
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        InvalidInput,
    ) as error:
        raise Damaged(f"{where} is not a revision of this registry: {error}") from error
