"""
Whether calling a signature changes what the model keeps: a counter, a table, a queue.

Such a signature is not run to warm the model up unless somebody recorded a request for
it: who asks a counter for the first time must not hear 2.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from modelregistry.plan import Plan

_CHANGES = re.compile(
    "(Resource)?Assign.*|.*StridedSliceAssign|(Resource)?CountUpTo"
    "|ResourceScatter.*|Scatter(Nd)?(Add|Div|Max|Min|Mul|Sub|Update)"
    "|(Resource)?(Sparse)?Apply.+|LookupTable(Import|Insert|Remove).*"
    "|Queue(De|En)queue.*|(Uns|S)tage|Barrier(InsertMany|TakeMany)|Stack(Pop|Push).*"
    "|Rng(ReadAnd)?Skip.*|Stateful(Uniform|StandardNormal|TruncatedNormal|RandomBinomial).*"
)


def of_signatures(graph: Any, plan: Plan) -> frozenset[str]:  # noqa: ANN401 - a message
    """The names of those signatures of `plan` that change what the MetaGraphDef keeps."""
    effects = Effects(graph)
    return frozenset(
        name
        for name, signature in plan.signatures.items()
        if effects.changes_state(
            (spec.tensor for spec in signature.inputs.values()),
            (spec.tensor for spec in signature.outputs.values()),
        )
    )


class Effects:
    """Of running parts of one MetaGraphDef."""

    def __init__(self, graph: Any) -> None:  # noqa: ANN401 - a message
        self._nodes = {node.name: node for node in graph.graph_def.node}
        self._functions = {
            function.signature.name: function.node_def
            for function in graph.graph_def.library.function
        }

    def changes_state(self, fed: Iterable[str], fetched: Iterable[str]) -> bool:
        """Whether computing the tensors `fetched` from those `fed` leaves anything behind."""
        return any(_CHANGES.fullmatch(node.op) for node in self._run(fed, fetched))

    def _run(self, fed: Iterable[str], fetched: Iterable[str]) -> Iterator[Any]:
        """Every node that runs, those in the functions that are called included."""
        done = {_node(tensor) for tensor in fed}
        called: set[str] = set()
        waiting = [self._nodes.get(_node(tensor)) for tensor in fetched]
        while waiting:
            node = waiting.pop()
            if node is None or node.name in done:
                continue
            done.add(node.name)
            yield node
            yield from self._inside(node, called)
            waiting += [self._nodes.get(_node(name)) for name in node.input]

    def _inside(self, caller: Any, called: set[str]) -> Iterator[Any]:  # noqa: ANN401
        waiting = [caller]
        while waiting:
            for name in _functions(waiting.pop()):
                if name in self._functions and name not in called:
                    called.add(name)
                    yield from self._functions[name]
                    waiting += self._functions[name]


def _node(tensor: str) -> str:
    """`^name` and `name:1` are what node `name` gives."""
    return tensor.removeprefix("^").partition(":")[0]


def _functions(node: Any) -> Iterator[str]:  # noqa: ANN401
    yield node.op  # TF1 calls a function by making it the operation
    for value in node.attr.values():
        yield value.func.name
        yield from (function.name for function in value.list.func)
