"""
protobuf's home: the wheel's generated modules, without running `tensorflow/__init__.py`.

That would cost seconds and half a gigabyte. A bare package of the same name, with
the wheel's directory as its path, finds the modules under it just as well. Only for
a process that will never want TensorFlow itself.

Messages are Any: the generated code has no annotations.
"""

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def saved_model(data: bytes, *, text: bool) -> Any:  # noqa: ANN401 - a message
    """The SavedModel message in `data`, binary or text. Raises ValueError if it is none."""
    kind = _tensorflow("core.protobuf.saved_model_pb2").SavedModel
    message = importlib.import_module("google.protobuf.message")
    text_format = importlib.import_module("google.protobuf.text_format")
    try:
        return text_format.Parse(data, kind()) if text else kind.FromString(data)
    except (message.DecodeError, text_format.ParseError) as error:
        raise ValueError(str(error)) from error


def tensor_file() -> Any:  # noqa: ANN401 - a descriptor
    """The descriptor of the file that declares TensorProto."""
    return _tensorflow("core.framework.tensor_pb2").DESCRIPTOR


def as_json(message: Any) -> dict[str, Any]:  # noqa: ANN401 - a message
    """Its protobuf JSON with the fields' own names, and all that have a default printed."""
    json_format = importlib.import_module("google.protobuf.json_format")
    document: dict[str, Any] = json_format.MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    return document


def _tensorflow(name: str) -> ModuleType:
    if "tensorflow" not in sys.modules:
        sys.modules["tensorflow"] = _bare()
    return importlib.import_module(f"tensorflow.{name}")


def _bare() -> ModuleType:
    spec = importlib.util.find_spec("tensorflow")
    if spec is None:
        raise ModuleNotFoundError("tensorflow is not installed", name="tensorflow")
    places = list(spec.submodule_search_locations or [])
    module = ModuleType("tensorflow")
    module.__path__ = places
    module.__spec__ = ModuleSpec("tensorflow", None, is_package=True)
    module.__spec__.submodule_search_locations = places
    return module
