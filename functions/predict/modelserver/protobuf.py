"""
Message types made from a table: for protos whose generated code is in no package we install.

A message is a name (dotted where it is nested) and its fields, one a line, as a .proto
file has them:

    messages("shop", {
        "Order": '''
            string id = 1
            repeated Order.Line lines = 2
            map<string, int64> notes = 3
            oneof payment: Card card = 4
        ''',
        "Order.Line": "int32 count = 1",
        "Card": "Kind kind = 1",
        "enum Kind": "DEBIT = 0 \n CREDIT = 1",
    })["Order"](id="7")

They live in a descriptor pool of their own, so that nothing else in the process can
already have, or later wants, types of the same names. protobuf is imported by the first call.
"""

import importlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

_FIELD = re.compile(
    r"(?:oneof (?P<oneof>\w+): )?(?P<repeated>repeated )?"
    r"(?:map<(?P<key>\w+), (?P<value>[\w.]+)>|(?P<type>[\w.]+)) (?P<name>\w+) = (?P<number>\d+)"
)


def messages(
    package: str, table: Mapping[str, str], *, also: Iterable[Any] = ()
) -> Mapping[str, type[Any]]:
    """
    The classes of the messages in `table`, by name; enums are in it to be referred to.

    `also` are FileDescriptors whose types may be named in full: `tensorflow.Example`.
    Raises TypeError or ValueError for a table that does not hold together.
    """
    pb2 = importlib.import_module("google.protobuf.descriptor_pb2")
    pool = importlib.import_module("google.protobuf.descriptor_pool").DescriptorPool()
    file = pb2.FileDescriptorProto(name=f"{package}/table.proto", package=package, syntax="proto3")
    for descriptor in also:
        _add(pool, descriptor)
        file.dependency.append(descriptor.name)
    made: dict[str, Any] = {"": file}
    for name in sorted(table, key=lambda name: name.removeprefix("enum ")):  # outer before inner
        outer, _, own = name.removeprefix("enum ").rpartition(".")
        if name.startswith("enum "):
            enums = made[outer].enum_type
            enums.add(name=own).value.extend(_values(pb2, table[name]))
            continue
        types = made[outer].nested_type if outer else file.message_type
        made[name] = types.add(name=own)
        for line in filter(None, map(str.strip, table[name].splitlines())):
            _field(pb2, made[name], line)
    pool.AddSerializedFile(file.SerializeToString())
    get_class = importlib.import_module("google.protobuf.message_factory").GetMessageClass
    found = {name: pool.FindMessageTypeByName(f"{package}.{name}") for name in made if name}
    return {name: get_class(descriptor) for name, descriptor in found.items()}


def _add(pool: Any, descriptor: Any) -> None:  # noqa: ANN401 - protobuf has no annotations
    for dependency in descriptor.dependencies:
        _add(pool, dependency)
    pool.AddSerializedFile(descriptor.serialized_pb)


def _values(pb2: Any, text: str) -> list[Any]:  # noqa: ANN401
    pairs = re.findall(r"(\w+) = (\d+)", text)
    return [pb2.EnumValueDescriptorProto(name=name, number=int(n)) for name, n in pairs]


def _field(pb2: Any, message: Any, line: str) -> None:  # noqa: ANN401
    found = _FIELD.fullmatch(line)
    if found is None:
        raise ValueError(f"{message.name}: {line!r} is no field")
    field = message.field.add(name=found["name"], number=int(found["number"]))
    field.label = field.LABEL_REPEATED if found["key"] or found["repeated"] else 1
    if found["key"]:
        entry = message.nested_type.add(name=f"{found['name'].title().replace('_', '')}Entry")
        entry.options.map_entry = True
        _field(pb2, entry, f"{found['key']} key = 1")
        _field(pb2, entry, f"{found['value']} value = 2")
        field.type_name = entry.name
    elif found["type"] in _SCALARS:
        field.type = getattr(field, f"TYPE_{found['type'].upper()}")
    else:
        field.type_name = found["type"]  # message or enum: the pool will know
    if found["oneof"]:
        names = [choice.name for choice in message.oneof_decl]
        if found["oneof"] not in names:
            message.oneof_decl.add(name=found["oneof"])
            names.append(found["oneof"])
        field.oneof_index = names.index(found["oneof"])


_SCALARS = {"bool", "bytes", "double", "float", "int32", "int64", "string", "uint32", "uint64"}
