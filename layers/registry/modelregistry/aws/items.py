"""
Items of one DynamoDB table with the keys `pk` and `sk`, every attribute a string.

All that the registry needs of DynamoDB. Reads are strongly consistent.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .clients import Clients

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Item = dict[str, str]


class Items:
    """
    Cheap to construct; nothing is loaded or asked before the first call. Thread-safe.

    Raises NoRegistry where there is no such table, Unavailable where it cannot be used.
    """

    def __init__(self, table: str, clients: Clients) -> None:
        self.table = table
        self._clients = clients

    def get(self, pk: str, sk: str, *, only_keys: bool = False) -> Item | None:
        """The item with this key. It costs the same with `only_keys`, but travels lighter."""
        request: dict[str, Any] = {"ProjectionExpression": "pk, sk"} if only_keys else {}
        with self._calling("GetItem"):
            answer = self._clients.dynamodb.get_item(
                TableName=self.table, Key=_plain(pk=pk, sk=sk), ConsistentRead=True, **request
            )
        return _strings(answer["Item"]) if "Item" in answer else None

    def query(
        self, pk: str, *, descending: bool = False, page: int | None = None
    ) -> Iterator[Item]:
        """The items under `pk` by `sk`, read `page` at a time as they are consumed."""
        request: dict[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ScanIndexForward": not descending,
            "ConsistentRead": True,
        }
        if page is not None:
            request["Limit"] = page
        while True:
            with self._calling("Query"):
                answer = self._clients.dynamodb.query(**request)
            yield from map(_strings, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def put(self, item: Mapping[str, str]) -> None:
        """Write `item`, in place of one with the same key."""
        with self._calling("PutItem"):
            self._clients.dynamodb.put_item(TableName=self.table, Item=_plain(**item))

    def put_new(self, item: Mapping[str, str]) -> bool:
        """
        Write `item` if there is none with its key, and say whether this was so.

        After a lost reply the put is repeated and finds its own first one: False, too.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 - see the package

        from .failures import code_of  # noqa: PLC0415

        with self._calling("PutItem"):
            try:
                self._clients.dynamodb.put_item(
                    TableName=self.table,
                    Item=_plain(**item),
                    ConditionExpression="attribute_not_exists(pk)",
                )
            except ClientError as error:
                if code_of(error) == "ConditionalCheckFailedException":
                    return False
                raise
        return True

    def close(self) -> None:
        """Close idle connections."""
        self._clients.close()

    def _calling(self, operation: str) -> "AbstractContextManager[None]":
        from .failures import calling  # noqa: PLC0415 - see the package

        return calling(
            f"dynamodb:{operation}",
            f"table {self.table}",
            arn=f"arn:aws:dynamodb:{self._clients.region}:*:table/{self.table}",
        )


def _plain(**item: str) -> dict[str, Any]:
    return {name: {"S": value} for name, value in item.items()}


def _strings(item: Mapping[str, Any]) -> Item:
    return {name: value["S"] for name, value in item.items() if "S" in value}
