"""Messages made from a table speak protobuf like any other."""

import importlib
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from modelserver.protobuf import messages

any_pb2 = importlib.import_module("google.protobuf.any_pb2")
text_format = importlib.import_module("google.protobuf.text_format")

SHOP = {
    "Order": """
        string id = 1
        repeated Order.Line lines = 2
        map<string, int64> notes = 3
        map<string, Card> cards = 8
        oneof payment: Card card = 4
        oneof payment: bytes cash = 5
        google.protobuf.Any extra = 6
    """,
    "Order.Line": "int32 count = 1 \n Order.Mode mode = 2",
    "enum Order.Mode": "NOW = 0 \n LATER = 1",
    "Card": "Kind kind = 1",
    "enum Kind": "DEBIT = 0 \n CREDIT = 1",
}
TEXT = """
id: "7"
lines { count: 3 mode: LATER }
lines { }
notes { key: "a" value: 5 }
cards { key: "z" value { kind: CREDIT } }
card { kind: CREDIT }
extra { type_url: "there" value: "x" }
"""


Shop = Mapping[str, type[Any]]


@pytest.fixture
def shop() -> Shop:
    return messages("shop", SHOP, also=[any_pb2.DESCRIPTOR])


def test_every_kind_of_field_survives_both_forms(shop: Shop) -> None:
    order = text_format.Parse(TEXT, shop["Order"]())
    assert order == shop["Order"].FromString(order.SerializeToString())
    assert order == text_format.Parse(text_format.MessageToString(order), shop["Order"]())
    assert ("7", 2, 1, {"a": 5}) == (
        order.id,
        len(order.lines),
        order.lines[0].mode,
        dict(order.notes),
    )


def test_the_fields_of_a_choice_exclude_each_other(shop: Shop) -> None:
    order = shop["Order"](cash=b"coins")
    assert "cash" == order.WhichOneof("payment")
    order.card.kind = 1
    assert ("card", b"") == (order.WhichOneof("payment"), order.cash)


def test_the_wire_form_is_protobufs(shop: Shop) -> None:
    line = shop["Order.Line"](count=150, mode=1)
    assert b"\x08\x96\x01\x10\x01" == line.SerializeToString()


def test_an_error_in_text_says_line_and_column(shop: Shop) -> None:
    with pytest.raises(text_format.ParseError) as error:
        text_format.Parse('id: "7"\nlines { weight: 1 }', shop["Order"]())
    assert (2, 9) == (error.value.GetLine(), error.value.GetColumn())


def test_two_tables_of_one_package_do_not_meet(shop: Shop) -> None:
    other = messages("shop", {"Order": "int32 id = 9"})
    assert b"\x48\x01" == other["Order"](id=1).SerializeToString()
    assert b"\x0a\x011" == shop["Order"](id="1").SerializeToString()


@pytest.mark.parametrize("line", ["string", "string id", "string id 1", "optional string id = 1"])
def test_a_line_that_is_no_field_is_named(line: str) -> None:
    with pytest.raises(ValueError, match=f"Order: '{line}' is no field"):
        messages("shop", {"Order": line})


def test_a_type_that_is_not_there_is_an_error() -> None:
    with pytest.raises((TypeError, ValueError), match="Basket"):
        messages("shop", {"Order": "Basket basket = 1"})


def test_importing_the_module_imports_no_protobuf() -> None:
    program = "import modelserver.protobuf, sys; print('google.protobuf' in sys.modules)"
    child = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert b"False" == child.stdout.strip()
