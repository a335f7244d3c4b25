"""
SavedModels that must be refused: good ones, copied and spoilt.

    python -m tests.oracle.broken ROOT BROKEN

Edits saved_model.pb with the wheel's generated code, without all of TensorFlow.
"""

import importlib
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelserver.compiler import protos

Spoil = Callable[[Path], None]


@contextmanager
def _edited(directory: Path) -> Iterator[Any]:
    """The only MetaGraphDef of the SavedModel, written back afterwards."""
    file = directory / "saved_model.pb"
    saved_model = protos.saved_model(file.read_bytes(), text=False)
    yield saved_model.meta_graphs[0]
    file.write_bytes(saved_model.SerializeToString())


def missing_op(directory: Path) -> None:
    with _edited(directory) as graph:
        (node,) = (node for node in graph.graph_def.node if node.op == "Mul")
        node.op = "OpFromElsewhere"


def no_variables(directory: Path) -> None:
    shutil.rmtree(directory / "variables")


def no_shard(directory: Path) -> None:
    (directory / "variables" / "variables.data-00000-of-00001").unlink()


def short_shard(directory: Path) -> None:
    os.truncate(directory / "variables" / "variables.data-00000-of-00001", 3)


def damaged_index(directory: Path) -> None:
    (directory / "variables" / "variables.index").write_bytes(b"nothing of the kind")


def nothing_restores(directory: Path) -> None:
    no_variables(directory)
    with _edited(directory) as graph:
        graph.ClearField("saver_def")


def no_init_op(directory: Path) -> None:
    with _edited(directory) as graph:
        del graph.signature_def["__saved_model_init_op"]
        graph.collection_def.clear()


def no_signatures(directory: Path) -> None:
    with _edited(directory) as graph:
        del graph.signature_def["serving_default"]


def other_tags(directory: Path) -> None:
    with _edited(directory) as graph:
        graph.meta_info_def.tags.append("gpu")


def damaged_pb(directory: Path) -> None:
    file = directory / "saved_model.pb"
    os.truncate(file, file.stat().st_size // 2)


def empty_pb(directory: Path) -> None:
    os.truncate(directory / "saved_model.pb", 0)


def no_pb(directory: Path) -> None:
    (directory / "saved_model.pb").unlink()


def session_bundle(directory: Path) -> None:
    (directory / "saved_model.pb").rename(directory / "export.meta")


def tflite(directory: Path) -> None:
    no_pb(directory)
    (directory / "model.tflite").write_bytes(b"TFL3")


def only_variables(directory: Path) -> None:
    no_pb(directory)
    (directory / "fingerprint.pb").unlink()


def parent(directory: Path) -> None:
    shutil.copytree(directory, directory / "3")
    no_pb(directory)


def asset_above(directory: Path) -> None:
    with _edited(directory) as graph:
        graph.asset_file_def[0].filename = "../../secret.txt"


def asset_elsewhere(directory: Path) -> None:
    with _edited(directory) as graph:
        graph.asset_file_def[0].filename = "/etc/passwd"


def asset_missing(directory: Path) -> None:
    shutil.rmtree(directory / "assets")


def dangling_link(directory: Path) -> None:
    (directory / "assets" / "note").symlink_to("/nowhere")


def looping_link(directory: Path) -> None:
    (directory / "assets" / "back").symlink_to(directory)


def named_pipe(directory: Path) -> None:
    os.mkfifo(directory / "assets" / "pipe")


def socket_file(directory: Path) -> None:
    # The path of a socket is short: it is bound from inside.
    home = Path.cwd()
    os.chdir(directory)
    socket.socket(socket.AF_UNIX).bind("door")
    os.chdir(home)


SPOILT: dict[str, tuple[str, Spoil]] = {
    "missing_op": ("passthrough", missing_op),
    "no_variables": ("half_plus_two", no_variables),
    "no_shard": ("half_plus_two", no_shard),
    "short_shard": ("half_plus_two", short_shard),
    "damaged_index": ("half_plus_two", damaged_index),
    "uninitialized_reference": ("tf1_variables", nothing_restores),
    "uninitialized_resource": ("half_plus_two", nothing_restores),
    "no_init_op": ("lookup_table", no_init_op),
    "no_signatures": ("half_plus_two", no_signatures),
    "only_sparse": ("sparse", no_signatures),
    "other_tags": ("half_plus_two", other_tags),
    "damaged_pb": ("half_plus_two", damaged_pb),
    "empty_pb": ("half_plus_two", empty_pb),
    "no_pb": ("half_plus_two", no_pb),
    "session_bundle": ("half_plus_two", session_bundle),
    "tflite": ("half_plus_two", tflite),
    "only_variables": ("half_plus_two", only_variables),
    "parent": ("half_plus_two", parent),
    "asset_above": ("lookup_table", asset_above),
    "asset_elsewhere": ("lookup_table", asset_elsewhere),
    "asset_missing": ("lookup_table", asset_missing),
    "dangling_link": ("half_plus_two", dangling_link),
    "looping_link": ("half_plus_two", looping_link),
    "named_pipe": ("half_plus_two", named_pipe),
    "socket_file": ("half_plus_two", socket_file),
}


def _as_text(directory: Path) -> None:
    """Not broken: the text form of saved_model.pb, which TensorFlow reads as well."""
    text_format = importlib.import_module("google.protobuf.text_format")
    file = directory / "saved_model.pb"
    saved_model = protos.saved_model(file.read_bytes(), text=False)
    (directory / "saved_model.pbtxt").write_text(text_format.MessageToString(saved_model))
    file.unlink()


def main(root: Path, broken: Path) -> None:
    for name, (source, spoil) in {**SPOILT, "as_text": ("half_plus_two", _as_text)}.items():
        shutil.copytree(root / source, broken / name)
        spoil(broken / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
