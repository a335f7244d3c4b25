"""
The row format: `instances` is a list of values, or of objects that name every input.

    [1.0, 2.0]               → {"x": [1.0, 2.0]}
    [{"x": 1.0, "y": [3]},
     {"x": 2.0, "y": [4]}]   → {"x": [1.0, 2.0], "y": [[3], [4]]}
"""

from collections.abc import KeysView, Mapping
from math import prod

from modelserver.codec.dtypes import Array, JsonType
from modelserver.codec.excerpt import brackets, excerpt, printable
from modelserver.codec.tensors import TOO_DEEP, is_base64, measure, quick_array
from modelserver.errors import InvalidRequest, UnsupportedType


def row_arrays(instances: list[object], rules: Mapping[str, JsonType]) -> dict[str, Array]:
    """
    One array for each of `rules`, its first dimension the number of instances.

    Raises InvalidRequest with the number of the first instance that doesn't fit.
    """
    named = _is_named(instances[0])
    if not named and len(rules) > 1:
        raise InvalidRequest(
            "instances is a plain list, but expecting list of objects as multiple"
            " input tensors required as per tensorinfo_map"
        )
    arrays = _quick_arrays(instances, rules, named=named)
    if arrays is None:
        _find_misfit(instances, rules, named=named)
        raise InvalidRequest(TOO_DEEP)
    return arrays


def _quick_arrays(
    instances: list[object], rules: Mapping[str, JsonType], *, named: bool
) -> dict[str, Array] | None:
    """The arrays, or None if an instance doesn't fit; `_find_misfit` knows which."""
    columns = _columns(instances, rules.keys()) if named else {next(iter(rules)): instances}
    arrays = {}
    for name, column in columns.items():
        array = quick_array(column, rules[name])
        if array is None:
            return None
        arrays[name] = array
    return arrays or None


def _columns(instances: list[object], names: KeysView[str]) -> dict[str, list[object]]:
    """The values of each name; empty unless every instance is an object of these names."""
    rows = [row for row in instances if isinstance(row, dict) and row.keys() == names]
    if len(rows) != len(instances) or ("b64" in names and any(map(is_base64, rows))):
        return {}
    return {name: [row[name] for row in rows] for name in names}


def _find_misfit(instances: list[object], rules: Mapping[str, JsonType], *, named: bool) -> None:
    """Go through the instances one by one; raise for the first that TensorFlow Serving would."""
    shapes: dict[str, tuple[int, ...]] = {}
    sole = next(iter(rules))
    for number, instance in enumerate(instances):
        if _is_named(instance) != named:
            wanted, got = ("object", "list") if named else ("value/list", "object")
            raise InvalidRequest(f"Expecting {wanted} but got {got} at item {number} of input list")
        if not isinstance(instance, dict) or not named:
            _place(f"{number}", sole, instance, rules, shapes)
            continue
        for name, value in instance.items():
            _place(f"{number} key: {printable(name)}", name, value, rules, shapes)
        if instance.keys() != rules.keys():
            raise InvalidRequest(
                f"Failed to process element: {number} of 'instances' list. JSON object:"
                f" {excerpt(instance)} keys must be equal to: {','.join(sorted(rules))}"
            )


def _place(
    where: str,
    name: str,
    value: object,
    rules: Mapping[str, JsonType],
    shapes: dict[str, tuple[int, ...]],
) -> None:
    try:
        _fit(name, value, rules, shapes)
    except (InvalidRequest, UnsupportedType) as error:
        code = "UNIMPLEMENTED" if isinstance(error, UnsupportedType) else "INVALID_ARGUMENT"
        raise InvalidRequest(
            f"Failed to process element: {where} of 'instances' list. Error: {code}: {error}"
        ) from error


def _fit(
    name: str,
    value: object,
    rules: Mapping[str, JsonType],
    shapes: dict[str, tuple[int, ...]],
) -> None:
    if name not in rules:
        raise InvalidRequest(f"JSON object: does not have named input: {printable(name)}")
    shape = measure(value, rules[name])
    first = shapes.setdefault(name, shape)
    if prod(shape) != prod(first):
        raise InvalidRequest(f"Expecting tensor size: {prod(first)} but got: {prod(shape)}")
    if shape != first:
        raise InvalidRequest(f"Expecting shape {brackets(first)} but got: {brackets(shape)}")


def _is_named(instance: object) -> bool:
    return isinstance(instance, dict) and not is_base64(instance)
