"""
Cold starts where there is more to know: 100 aliases beside one, 50 models beside one.

Every model is the tutorial's, and all aliases are of one version. A function loads all models
before its first request, as far as the memory budget goes, unless it is told which are its own.
"""

import shutil

from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry

from .cases import Case, case
from .compiled import Compiled
from .processes import Way, run
from .report import Row

ALIASES, OTHERS = 100, 49
_ROUNDS = 6
# What two measurements of the same thing may differ by.
_FLAT = 1.1


def rows(quick: bool) -> list[Row]:
    """A quick run leaves them out."""
    if quick:
        return []
    with case("small", (1, 784)) as one:
        ways = {
            "alone": _way(one, "alone"),
            "aliases": _way(one, "aliases"),
            "models": _way(one, "models"),
        }
        told = {**ways["models"].environment, "MODELS": "sample"}
        ways["one of the models"] = Way("here", told)
        starts: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(_ROUNDS + 1):  # the first reads what is on disk
            for name, way in ways.items():
                seconds = run(way, one.body).start
                if number:
                    starts[name].append(seconds)
    alone = tuple(starts["alone"])

    def row(figure: str, name: str, target: float | None) -> Row:
        return Row(f"cold start, {figure}", "s", "1 of each", tuple(starts[name]), alone, target)

    return [
        row(f"{ALIASES} aliases", "aliases", _FLAT),
        row(f"{OTHERS + 1} models, one wanted", "one of the models", _FLAT),
        row(f"{OTHERS + 1} models, all loaded", "models", None),
    ]


def _way(one: Case, kind: str) -> Way:
    """The handler over a copy of the case's registry, with more in it."""
    place = one.place / kind
    shutil.copytree(one.registry, place)
    registry = open_registry(str(place))
    if kind == "aliases":
        for number in range(1, ALIASES):
            _promote(registry, "sample", f"alias-{number:03d}")
    if kind == "models":
        compiled = Compiled.of(registry, ModelId("sample", 1))
        for number in range(OTHERS):
            Publisher(registry, compiled).publish(one.directory, f"model-{number:02d}")
            _promote(registry, f"model-{number:02d}", "stable")
    registry.aliases.close()
    return Way("here", {**one.here.environment, "REGISTRY_URL": str(place)})


def _promote(registry: Registry, model: str, alias: str) -> None:
    registry.commit(registry.propose_promote(ModelId(model, 1), alias))
