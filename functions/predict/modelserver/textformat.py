"""
Where things stand in a text in protobuf's text format.

protobuf says where it failed to parse one. Of a text that it parsed, it says nothing
any more, and an error in what the text means needs a line and a column, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from modelregistry.errors import InvalidInput


@dataclass
class Node:
    """
    A field as it is written, and what it holds if it is a message: its fields, in order.

    `line` and `column` count from 1; `written` is a scalar as it stands there.
    """

    name: str
    line: int
    column: int
    written: str = ""
    fields: list["Node"] = field(default_factory=list)

    def named(self, name: str) -> list["Node"]:
        """Every field `name`, in order."""
        return [node for node in self.fields if node.name == name]

    def child(self, name: str) -> "Node":
        """The last field `name`, which is the one that counts; this one if there is none."""
        return (self.named(name) or [self])[-1]


def decoded(data: bytes, where: str) -> str:
    """The text in a file that `where` names. Raises InvalidInput for what is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{where} is not UTF-8: {error.reason} at byte {error.start + 1}"
        ) from error


def parse(text: str, message: Any, where: str) -> None:  # noqa: ANN401 - protobuf has no annotations
    """
    Fill `message` with what `text` says. `where` names the file in errors.

    Raises InvalidInput, beginning with `where:line:column`, both counted from 1.
    """
    text_format = import_module("google.protobuf.text_format")
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        line, column = error.GetLine() or 1, error.GetColumn() or 1
        reason = str(error).removeprefix(f"{line}:{column} : ")
        raise InvalidInput(
            f"{where}:{line}:{column}: {reason}",
            hint=f"it must be a {message.DESCRIPTOR.name} in protobuf's text format",
        ) from error


def walk(text: str) -> Node:
    """The fields of `text`, which has been parsed without an error."""
    tokens = import_module("google.protobuf.text_format").Tokenizer(text.split("\n"))
    root = Node("", 1, 1)
    root.fields.extend(_fields(tokens, ""))
    return root


def _fields(tokens: Any, end: str) -> Iterator[Node]:  # noqa: ANN401
    while tokens.token != end:
        name, line, column = tokens.token, *_position(tokens)
        tokens.NextToken()
        tokens.TryConsume(":")
        if tokens.TryConsume("["):  # short for a field that is repeated
            while not tokens.TryConsume("]"):
                yield _value(tokens, Node(name, *_position(tokens)))
                tokens.TryConsume(",")
        else:
            yield _value(tokens, Node(name, line, column))
        tokens.TryConsume(",") or tokens.TryConsume(";")


def _value(tokens: Any, node: Node) -> Node:  # noqa: ANN401
    for begin, end in ("{}", "<>"):
        if tokens.TryConsume(begin):
            node.fields.extend(_fields(tokens, end))
            tokens.NextToken()
            return node
    node.written = tokens.token
    tokens.NextToken()
    while node.written[0] in "'\"" and tokens.token[:1] in {"'", '"'}:  # adjacent strings are one
        node.written += tokens.token
        tokens.NextToken()
    return node


def _position(tokens: Any) -> tuple[int, int]:  # noqa: ANN401
    here = tokens.ParseError("")
    return here.GetLine(), here.GetColumn()
