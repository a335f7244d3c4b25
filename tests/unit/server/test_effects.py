"""Which operations leave something behind, told from the graph alone."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from modelserver.compiler.effects import Effects


@dataclass
class Node:
    """A NodeDef, as far as anybody looks at it."""

    name: str
    op: str
    input: tuple[str, ...] = ()
    attr: dict[str, Any] = field(default_factory=dict)


def calls(*functions: str) -> dict[str, Any]:
    """The attributes of a node that calls functions, as PartitionedCall and If do."""
    first, *rest = (SimpleNamespace(name=name) for name in functions)
    return {"f": SimpleNamespace(func=first, list=SimpleNamespace(func=rest))}


def graph(*nodes: Node, **functions: list[Node]) -> Effects:
    library = [
        SimpleNamespace(signature=SimpleNamespace(name=name), node_def=body)
        for name, body in functions.items()
    ]
    graph_def = SimpleNamespace(node=nodes, library=SimpleNamespace(function=library))
    return Effects(SimpleNamespace(graph_def=graph_def))


@pytest.mark.parametrize(
    "op",
    [
        "Assign", "AssignAdd", "AssignVariableOp", "AssignSubVariableOp", "ResourceScatterUpdate",
        "ScatterAdd", "ScatterNdUpdate", "ResourceApplyAdam", "ApplyGradientDescent", "CountUpTo",
        "ResourceStridedSliceAssign", "LookupTableInsertV2", "QueueEnqueueV2", "QueueDequeueManyV2",
        "RngReadAndSkip", "StatefulUniform",
    ],
)  # fmt: skip
def test_writing_is_a_change(op: str) -> None:
    effects = graph(Node("x", "Placeholder"), Node("y", op, ("variable", "x")))
    assert effects.changes_state(["x:0"], ["y:0"])


@pytest.mark.parametrize(
    "op",
    [
        "MatMul", "ReadVariableOp", "VarHandleOp", "VariableV2", "ScatterNd", "RandomUniform",
        "StatelessRandomUniformV2", "LookupTableFindV2", "HashTableV2", "ScatterNdNonAliasingAdd",
        "TensorScatterUpdate", "ParseExampleV2",
    ],
)  # fmt: skip
def test_reading_and_computing_is_none(op: str) -> None:
    effects = graph(Node("x", "Placeholder"), Node("y", op, ("variable", "x")))
    assert not effects.changes_state(["x:0"], ["y:0"])


def test_only_what_the_outputs_need_runs() -> None:
    effects = graph(
        Node("x", "Placeholder"),
        Node("restore", "Assign", ("variable", "x")),
        Node("y", "Mul", ("x:0", "variable")),
        Node("variable", "VariableV2"),
    )
    assert not effects.changes_state(["x:0"], ["y:0"])


def test_what_must_run_before_counts() -> None:
    effects = graph(
        Node("x", "Placeholder"), Node("count", "AssignAdd"), Node("y", "Mul", ("x", "^count"))
    )
    assert effects.changes_state(["x:0"], ["y:0"])


def test_what_a_fed_tensor_would_come_from_does_not() -> None:
    effects = graph(Node("x", "AssignAdd"), Node("y", "Mul", ("x:0",)))
    assert not effects.changes_state(["x:0"], ["y:0"])
    assert effects.changes_state([], ["y:0"])


def test_functions_are_looked_into_however_deep() -> None:
    inner = [Node("add", "AssignAddVariableOp")]
    outer = [Node("if", "If", attr=calls("pure", "inner"))]
    pure = [Node("a", "Mul"), Node("b", "Call", attr=calls("pure"))]  # recursion ends
    effects = graph(
        Node("y", "StatefulPartitionedCall", attr=calls("outer")),
        Node("z", "PartitionedCall", attr=calls("pure")),
        Node("v1", "inner"),
        inner=inner,
        outer=outer,
        pure=pure,
    )
    told = {name: effects.changes_state([], [name]) for name in ("y", "z", "v1")}
    assert {"y": True, "z": False, "v1": True} == told


def test_loops_in_the_graph_end() -> None:
    effects = graph(
        Node("merge", "Merge", ("x", "next")),
        Node("next", "NextIteration", ("merge",)),
        Node("x", "Const"),
    )
    assert not effects.changes_state([], ["next"])
