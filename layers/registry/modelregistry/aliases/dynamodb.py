"""
A log in a DynamoDB table: the alias table of every container and every operator.

A model's revisions lie under one partition key, sorted by number, and never change.
"""

from collections.abc import Iterator

from ..aws.items import Item, Items
from ..errors import Conflict, Damaged
from .revision import Revision, decode, encode

# A rollback reads as far as the routes before; few commands read on.
_PAGE = 16
_MODELS = "models"


class DynamoAliasTable:
    """Cheap to construct: the table is asked at the first use. Thread-safe."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def newest(self, model: str) -> Revision | None:
        found = next(self._items.query(_log(model), descending=True, page=1), None)
        return self._revision(model, found) if found else None

    def get(self, model: str, number: int) -> Revision | None:
        found = self._items.get(_log(model), _sort_key(number)) if number > 0 else None
        return self._revision(model, found) if found else None

    def append(self, revision: Revision) -> None:
        """
        As the protocol says. After a lost reply it may be one's own revision that is in
        the way: that is a Conflict like every other, and for the caller to recognise.
        """
        text = encode(revision)
        log, number = _log(revision.model), revision.number
        # Nothing is ever deleted: a predecessor that was seen is still there at the put.
        # So the put needs no condition on it, which would be a transaction at twice the cost.
        if number > 1 and not self._items.get(log, _sort_key(number - 1), only_keys=True):
            raise self._conflict(revision)
        if number == 1:
            # First: a name without a log does no harm, a log that nobody can find would.
            self._items.put({"pk": _MODELS, "sk": revision.model})
        item = {"pk": log, "sk": _sort_key(number), "body": text}
        if number < 1 or not self._items.put_new(item):
            raise self._conflict(revision)

    def log(self, model: str) -> Iterator[Revision]:
        for item in self._items.query(_log(model), descending=True, page=_PAGE):
            yield self._revision(model, item)

    def models(self) -> list[str]:
        return [item["sk"] for item in self._items.query(_MODELS)]

    def close(self) -> None:
        self._items.close()

    def _revision(self, model: str, item: Item) -> Revision:
        where = f"{item['sk']} of {model} in table {self._items.table}"
        found = decode(item.get("body", ""), where)
        if (found.model, _sort_key(found.number)) != (model, item["sk"]):
            raise Damaged(f"{where} holds revision {found.number} of {found.model}")
        return found

    def _conflict(self, revision: Revision) -> Conflict:
        # By its key alone: a damaged newest revision must not hide who won.
        newest = next(self._items.query(_log(revision.model), descending=True, page=1), None)
        return Conflict(
            f"revision {revision.number} of {revision.model} is not the next one",
            winner=int(newest["sk"].removeprefix("rev#")) if newest else 0,
        )


def _log(model: str) -> str:
    return f"model#{model}"


def _sort_key(number: int) -> str:
    """Padded, so that keys sort as numbers do."""
    return f"rev#{number:012d}"
