"""
The files of an export: what has to be there before loading, and what must not.

Checked first because TensorFlow loads without a word what then fails every request
(no variables), and follows paths to wherever they lead. Links are followed, too: a version
that is served in place may consist of them, and who publishes has refused them before.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from modelregistry.errors import ModelRefused
from modelserver.checkpoint import shard_sizes

from . import protos

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


def disk_bytes(directory: Path) -> int:
    """
    The size of all files. Raises ModelRefused for an entry that is neither file nor directory.
    """
    if not directory.is_dir():
        raise ModelRefused(f"{directory} is not a directory")
    return sum(entry.stat().st_size for entry in _files(directory, directory, ()))


def meta_graph(directory: Path, tags: Sequence[str]) -> Any:  # noqa: ANN401 - a message
    """
    The MetaGraphDef that carries exactly `tags`, from saved_model.pb or saved_model.pbtxt.

    Raises ModelRefused if there is none, in TensorFlow's words, naming those there are.
    """
    saved_model = _read(directory)
    for candidate in saved_model.meta_graphs:
        if set(candidate.meta_info_def.tags) == set(tags):
            return candidate
    there = [",".join(graph.meta_info_def.tags) or "none" for graph in saved_model.meta_graphs]
    raise ModelRefused(
        f"{directory} does not load: Could not find meta graph def matching supplied tags:"
        f" {{ {' '.join(tags)} }}",
        hint=f"its graphs have: {'; '.join(there)}" if there else "it has no graph at all",
    )


def check_files(directory: Path, graph: Any) -> None:  # noqa: ANN401 - a message
    """Raise ModelRefused unless the variables and assets that the MetaGraphDef needs are there."""
    _check_assets(directory, [asset.filename for asset in graph.asset_file_def])
    if graph.saver_def.restore_op_name:
        _check_variables(directory)


def _files(root: Path, directory: Path, above: Sequence[str]) -> Iterator[os.DirEntry[str]]:
    """`above` are the directories that led here, by their real paths."""
    within = (*above, os.path.realpath(directory))
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = Path(entry.path)
            kind = _kind(path, within)
            if kind == "a directory":
                yield from _files(root, path, within)
            elif kind == "a file":
                yield entry
            else:
                raise ModelRefused(
                    f"{path.relative_to(root)} in {root} is {kind}",
                    hint="a version consists of plain files and directories",
                )


def _kind(path: Path, above: Sequence[str]) -> str:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "a link that leads nowhere"
    if stat.S_ISDIR(mode):
        return "a link that leads back" if os.path.realpath(path) in above else "a directory"
    return "a file" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no file")


def _read(directory: Path) -> Any:  # noqa: ANN401 - a message
    """The SavedModel message. As TensorFlow does, the binary form is preferred."""
    for name in ("saved_model.pb", "saved_model.pbtxt"):
        file = directory / name
        if file.exists():
            try:
                return protos.saved_model(file.read_bytes(), text=file.suffix == ".pbtxt")
            except ValueError as error:
                raise ModelRefused(
                    f"{name} of {directory} cannot be read: {error}",
                    hint="it is damaged, or was not copied whole",
                ) from error
    raise ModelRefused(f"{directory} holds no SavedModel: {_what_else(directory)}")


def _what_else(directory: Path) -> str:
    if (directory / "export.meta").exists():
        return "export.meta is a session bundle, which TensorFlow dropped; export it again"
    if (directory / "saved_model.cpb").exists():
        return "saved_model.cpb is a chunked one; save it without experimental_image_format"
    if any(directory.glob("*.keras")):
        return "a Keras file is not one; model.export(DIRECTORY) writes one"
    if any(directory.glob("*.tflite")):
        return "a TensorFlow Lite file is not one, and not served"
    versions = [child.name for child in directory.iterdir() if child.name.isdecimal()]
    if versions:
        return f"versions lie one level down, as in {directory / max(versions, key=int)}"
    return "saved_model.pb is not there"


def _check_assets(directory: Path, names: Sequence[str]) -> None:
    for name in names:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ModelRefused(f"the asset {name!r} of {directory} lies outside its assets/")
        if not (directory / "assets" / path).is_file():
            raise ModelRefused(
                f"the asset {name!r} of {directory} is missing",
                hint=f"it belongs at {directory / 'assets' / path}",
            )


def _check_variables(directory: Path) -> None:
    index = directory / "variables" / "variables.index"
    if not index.exists():
        raise ModelRefused(
            f"the variables of {directory} are missing: its graph restores them from "
            "variables/variables.index",
            hint="TensorFlow would load it and fail every request",
        )
    try:
        names = shard_sizes(index.read_bytes())
    except (ValueError, IndexError):
        return  # it is damaged, which TensorFlow says when it loads it
    for name in names:
        if not index.with_name(name).exists():
            raise ModelRefused(
                f"variables/{name} of {directory} is missing",
                hint=f"variables.index names {len(names)} such files",
            )
