"""
A body of strings: from its bytes to an array, by way of orjson's lists.

orjson takes the last of two members of one name and reads integers beyond 64 bits as
doubles, so that only a document of strings is taken, whose quotation marks are all
accounted for. It gives up at the first oddity, and `syntax` and `tensors` read the body again.
"""

import re
from collections.abc import Mapping
from typing import cast

import orjson

from modelserver.codec.dtypes import Array, JsonType, Kind
from modelserver.codec.tensors import flattened, is_base64, strings_of
from modelserver.errors import InvalidRequest

# A first value that is a string, or one in base64, within any number of lists.
_BEGINNING = re.compile(
    rb'\s*\{\s*(?:"signature_name"\s*:\s*"[^"\\]*"\s*,\s*)?"in(?:stance|put)s"\s*:[\s\[]*'
    rb'(?:"|\{\s*"b64"\s*:\s*")'
)
_STRING, _BASE64 = {str}, {str, dict}


class Words:
    """
    A predict body of which every value is a string, `{"b64": …}` or a list of such.

    The same to its reader as `numbers.Numbers`.
    """

    def __init__(
        self, signature_name: str, row: bool, leaves: list[object], shape: tuple[int, ...]
    ) -> None:
        self.signature_name = signature_name
        self.row = row
        self._leaves = leaves
        self._shape = shape

    @staticmethod
    def may_be(body: bytes) -> bool:
        """Whether `body` begins like one of strings: no body of numbers does."""
        return _BEGINNING.match(body) is not None

    @classmethod
    def read(cls, body: bytes) -> "Words | None":
        """None for a body that has to be read by the exact reader, right or wrong."""
        try:
            document = orjson.loads(body)
        except ValueError:
            return None
        name = document.pop("signature_name", None)
        if len(document) != 1 or type(name) not in (str, type(None)):
            return None
        ((key, value),) = document.items()
        nested = flattened(value) if key in ("instances", "inputs") else None
        if nested is None or not nested[1]:
            return None
        leaves, shape = nested
        strings = _strings(leaves)
        if strings is None:
            return None
        strings += 1 if name is None else 3
        # A second member of one name would be one string more.
        if _quotation_marks(body) != 2 * strings:
            return None
        return cls(name or "", key == "instances", leaves, shape)

    def arrays(self, rules: Mapping[str, JsonType]) -> dict[str, Array] | None:
        """The array for the only rule; None if the exact reader has to say why not."""
        if [rule.kind for rule in rules.values()] != [Kind.STRING]:
            return None
        try:
            flat = strings_of(self._leaves)
        except InvalidRequest:
            return None
        return dict.fromkeys(rules, flat.reshape(self._shape))


def _strings(leaves: list[object]) -> int | None:
    """How many strings were written for `leaves`; None if some are no strings."""
    types = set(map(type, leaves))
    if types == _STRING:
        return len(leaves)
    objects = [leaf for leaf in leaves if type(leaf) is dict]
    if not types <= _BASE64 or not all(map(is_base64, objects)):
        return None
    return len(leaves) + len(cast("list[object]", objects))


def _quotation_marks(body: bytes) -> int:
    """Those that begin or end a string of `body`, which is JSON."""
    if b"\\" in body:
        # What a backslash stands before is told from the left, as `replace` goes.
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return body.count(b'"')
