"""
What the shell offers at <Tab>: names from the registry that the command would use.

A shell can show no error here, so whatever goes wrong is an empty list.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import typer

from modelregistry.names import model_name
from modelregistry.registry import Registry

from .session import session_of


@dataclass(frozen=True)
class Asked:
    """One press of <Tab>, with the cursor behind `incomplete`."""

    context: typer.Context
    incomplete: str

    @property
    def registry(self) -> Registry:
        session = session_of(self.context)
        before, after = self.context.find_root().params, self.context.params
        named = session.naming(before.get("registry"), before.get("stack"))
        return named.open(after.get("registry"), after.get("stack"))

    @property
    def model(self) -> str:
        """The model that was typed before."""
        # An option that still waits for its value keeps Typer from naming the arguments.
        return model_name(self.context.params["model"] or self.context.args[0])


def _offer(
    find: Callable[[Asked], Iterable[object]],
) -> Callable[[typer.Context, str], list[str]]:
    # Typer passes by the parameters' names and types.
    def offer(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            return [str(found) for found in find(Asked(ctx, incomplete))]
        except Exception:  # noqa: BLE001 - a shell can show no error here
            return []

    return offer


@_offer
def models(asked: Asked) -> Iterable[object]:
    return asked.registry.models()


@_offer
def versions(asked: Asked) -> Iterable[object]:
    return asked.registry.versions(asked.model)


@_offer
def aliases(asked: Asked) -> Iterable[object]:
    return sorted(asked.registry.state(asked.model).aliases)


@_offer
def references(asked: Asked) -> Iterable[object]:
    """`MODEL` first; behind `:` its versions, behind `@` its aliases."""
    registry = asked.registry
    model, colon, _ = asked.incomplete.partition(":")
    if colon:
        return [f"{model}:{version}" for version in registry.versions(model_name(model))]
    model, at, _ = asked.incomplete.partition("@")
    if at:
        return [f"{model}@{alias}" for alias in sorted(registry.state(model_name(model)).aliases)]
    return registry.models()
