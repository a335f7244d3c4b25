"""
What answers instead of a version that cannot: the one in place.

Which version is wanted was decided before, by the revision and the request alone. A
version that is being tried must not cost anybody an answer, nor the time that its load
takes: until it is there, its callers get the version that they had.
"""

from concurrent.futures import wait

from modelregistry.aliases.decision import Decision
from modelregistry.aliases.shares import heaviest
from modelregistry.aliases.state import Alias
from modelregistry.names import ModelId

from .servables import Servables


def answering(
    servables: Servables, model: str, alias: Alias, decision: Decision, patience: float
) -> int:
    """
    The wanted version, or what stands in for it.

    A load of the wanted one is begun, as often as its retries allow, and waited for
    `patience` seconds, unless it has failed before. Nobody stands in for a version that is in
    place, nor where what would stand in has to be loaded, too, and nothing is known against
    the wanted one.
    """
    wanted = ModelId(model, decision.version)
    if servables.is_loaded(wanted):
        return wanted.version
    others = _in_place(alias, decision)
    if not others:
        return wanted.version
    failed = servables.failure(wanted) is not None
    load = servables.start(wanted)
    if patience > 0 and not failed:
        wait([load], patience)
    if servables.is_loaded(wanted):
        return wanted.version
    for version in others:
        if servables.is_loaded(ModelId(model, version)):
            return version
    if servables.failure(wanted) is None:
        return wanted.version
    sound = (v for v in others if servables.failure(ModelId(model, v)) is None)
    return next(sound, others[-1])


def _in_place(alias: Alias, decision: Decision) -> list[int]:
    """What may stand in, the first choice first; nothing where the wanted one is in place."""
    in_place = alias.in_place()
    if decision.version == in_place:
        return []
    first = heaviest(decision.shares) if decision.rule else in_place
    return [v for v in dict.fromkeys([first, in_place]) if v != decision.version]
