"""A predict request, taken apart in the two steps between which the model is looked up."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from modelregistry.plan import TensorSpec
from modelserver.codec.dtypes import Array, JsonType, json_type
from modelserver.codec.excerpt import brackets, excerpt, printable
from modelserver.codec.numbers import Numbers
from modelserver.codec.rows import row_arrays
from modelserver.codec.syntax import read_object
from modelserver.codec.tensors import array_of, is_base64
from modelserver.codec.words import Words
from modelserver.errors import InvalidRequest

DEFAULT_SIGNATURE = "serving_default"
QUICK_FROM = 512
"""Bytes; what is shorter is read as quickly by way of Python's own objects."""


@dataclass(frozen=True)
class PredictInputs:
    """`arrays` by input name; `row` says that the answer is due in the row format."""

    arrays: dict[str, Array]
    row: bool


class PredictBody:
    """A body whose syntax is right; whether it fits the model is yet to be seen."""

    def __init__(self, body: bytes, values: Numbers | Words | None, *, strict: bool) -> None:
        self._body = body
        self._values = values
        self._strict = strict
        given = {"signature_name": values.signature_name} if values else self.document
        self.signature_name = signature_name(given)

    @classmethod
    def parse(
        cls,
        body: bytes | bytearray | memoryview,
        *,
        strict: bool = False,
        quick_from: int = QUICK_FROM,
    ) -> "PredictBody":
        """
        Check all that can be checked without a model.

        Raises InvalidRequest: no JSON, no object, or a signature's name that is no string;
        where it is `strict` also a key that an object names twice. A body of `quick_from`
        bytes or more is read the quick way where that can be.
        """
        whole = bytes(body)
        if len(whole) < quick_from:
            return cls(whole, None, strict=strict)
        values = Words.read(whole) if Words.may_be(whole) else Numbers.read(whole)
        return cls(whole, values, strict=strict)

    def inputs(self, specs: Mapping[str, TensorSpec]) -> PredictInputs:
        """
        The arrays for the signature whose inputs are `specs`, of their dtypes.

        Strings are object arrays of bytes. The shape is the body's: what the
        signature declares is for the graph to insist on, unless the body is read
        strictly. Raises InvalidRequest, and UnsupportedType (columnar format only)
        for dtypes without a JSON form.
        """
        if not specs:
            name = self.signature_name if self.document.get("signature_name") else "DEFAULT"
            raise InvalidRequest(f"Failed to get input map for signature: {name}")
        rules = {name: json_type(spec.dtype, strict=self._strict) for name, spec in specs.items()}
        inputs = self._quick(rules) or self._exact(rules)
        if self._strict:
            for name, array in inputs.arrays.items():
                must_have_shape(name, array.shape, specs[name].shape)
        return inputs

    @cached_property
    def document(self) -> Mapping[str, object]:
        """The whole of it, read exactly when it is first asked for."""
        return read_object(self._body, strict=self._strict)

    def _quick(self, rules: Mapping[str, JsonType]) -> PredictInputs | None:
        values, self._values = self._values, None  # not kept while the graph runs
        arrays = values.arrays(rules) if values else None
        return PredictInputs(arrays, values.row) if values and arrays else None

    def _exact(self, rules: Mapping[str, JsonType]) -> PredictInputs:
        row = "instances" in self.document
        if not row and "inputs" not in self.document:
            raise InvalidRequest("Missing 'inputs' or 'instances' key")
        return PredictInputs(
            self._rows(rules) if row else _columns(self.document["inputs"], rules), row
        )

    def _rows(self, rules: Mapping[str, JsonType]) -> dict[str, Array]:
        instances = self.document["instances"]
        if "inputs" in self.document:
            raise self._misformatted(
                "Not formatted correctly expecting only one of"
                " 'inputs' or 'instances' keys to exist "
            )
        if not isinstance(instances, list):
            raise self._misformatted("Expecting 'instances' to be an list/array")
        if not instances:
            raise self._misformatted("No values in 'instances' array")
        return row_arrays(instances, rules)

    def _misformatted(self, complaint: str) -> InvalidRequest:
        return InvalidRequest(f"JSON Value: {excerpt(self.document)} {complaint}")


def signature_name(document: Mapping[str, object]) -> str:
    """The signature that a body asks for. Raises InvalidRequest if it is no string."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise InvalidRequest(
            f"JSON Value: {excerpt(document)} not formatted correctly."
            " 'signature_name' key must be a string value."
        )
    return printable(name) or DEFAULT_SIGNATURE


def must_have_shape(name: str, shape: tuple[int, ...], declared: tuple[int, ...] | None) -> None:
    """Raise InvalidRequest for a shape that contradicts the declared one, where -1 is any size."""
    if declared is None:
        return
    if len(shape) == len(declared) and all(
        wanted in (-1, size) for size, wanted in zip(shape, declared, strict=True)
    ):
        return
    raise InvalidRequest(
        f"Input {name} has the shape {brackets(shape)}, its signature declares {brackets(declared)}"
    )


def _columns(value: object, rules: Mapping[str, JsonType]) -> dict[str, Array]:
    """The columnar format: an object by input name, or the one input itself."""
    if isinstance(value, dict) and not is_base64(value):
        return {name: _column(value, name, rule) for name, rule in rules.items()}
    if len(rules) > 1:
        raise InvalidRequest(
            "inputs is a plain value/list, but expecting an object as multiple"
            " input tensors required as per tensorinfo_map"
        )
    return {name: array_of(value, rule) for name, rule in rules.items()}


def _column(values: dict[str, object], name: str, rule: JsonType) -> Array:
    if name not in values:
        raise InvalidRequest(f"Missing named input: {name} in 'inputs' object.")
    return array_of(values[name], rule)
