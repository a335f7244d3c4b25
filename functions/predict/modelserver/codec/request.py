"""A predict request, taken apart in the two steps between which the model is looked up."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelregistry.plan import TensorSpec
from modelserver.codec.dtypes import Array, json_type
from modelserver.codec.excerpt import excerpt, printable
from modelserver.codec.rows import row_arrays
from modelserver.codec.syntax import read_object
from modelserver.codec.tensors import array_of, is_base64
from modelserver.errors import InvalidRequest

DEFAULT_SIGNATURE = "serving_default"


@dataclass(frozen=True)
class PredictInputs:
    """`arrays` by input name; `row` says that the answer is due in the row format."""

    arrays: dict[str, Array]
    row: bool


@dataclass(frozen=True)
class PredictBody:
    """A body whose syntax is right; whether it fits the model is yet to be seen."""

    document: Mapping[str, object] = field(repr=False)
    signature_name: str

    @classmethod
    def parse(cls, body: bytes | bytearray | memoryview) -> "PredictBody":
        """
        Check all that can be checked without a model.

        Raises InvalidRequest: no JSON, no object, or a signature's name that is no string.
        """
        document = read_object(bytes(body))
        name = document.get("signature_name", "")
        if not isinstance(name, str):
            raise InvalidRequest(
                f"JSON Value: {excerpt(document)} not formatted correctly."
                " 'signature_name' key must be a string value."
            )
        return cls(document, printable(name) or DEFAULT_SIGNATURE)

    def inputs(self, specs: Mapping[str, TensorSpec]) -> PredictInputs:
        """
        The arrays for the signature whose inputs are `specs`, of their dtypes.

        Strings are object arrays of bytes. The shape is the body's: what the
        signature declares is for the graph to insist on. Raises InvalidRequest,
        and UnsupportedType (columnar format only) for dtypes without a JSON form.
        """
        if not specs:
            name = self.signature_name if self.document.get("signature_name") else "DEFAULT"
            raise InvalidRequest(f"Failed to get input map for signature: {name}")
        if "instances" in self.document:
            return PredictInputs(self._rows(specs), row=True)
        if "inputs" in self.document:
            return PredictInputs(_columns(self.document["inputs"], specs), row=False)
        raise InvalidRequest("Missing 'inputs' or 'instances' key")

    def _rows(self, specs: Mapping[str, TensorSpec]) -> dict[str, Array]:
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
        return row_arrays(instances, {name: json_type(spec.dtype) for name, spec in specs.items()})

    def _misformatted(self, complaint: str) -> InvalidRequest:
        return InvalidRequest(f"JSON Value: {excerpt(self.document)} {complaint}")


def _columns(value: object, specs: Mapping[str, TensorSpec]) -> dict[str, Array]:
    """The columnar format: an object by input name, or the one input itself."""
    if isinstance(value, dict) and not is_base64(value):
        return {name: _column(value, name, spec) for name, spec in specs.items()}
    if len(specs) > 1:
        raise InvalidRequest(
            "inputs is a plain value/list, but expecting an object as multiple"
            " input tensors required as per tensorinfo_map"
        )
    return {name: array_of(value, json_type(spec.dtype)) for name, spec in specs.items()}


def _column(values: dict[str, object], name: str, spec: TensorSpec) -> Array:
    if name not in values:
        raise InvalidRequest(f"Missing named input: {name} in 'inputs' object.")
    return array_of(values[name], json_type(spec.dtype))
