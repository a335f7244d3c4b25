"""What is known of the version directories that are served in place, model by model."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from modelregistry.aliases import changes
from modelregistry.configuration import ModelConfig
from modelregistry.errors import ModelRefused, NotFound, Unavailable
from modelregistry.names import ModelId
from modelregistry.plan import Compiler, Plan

from .listing import Print, base_directory, versions
from .version import Complete, Refusal, Version, judge, take_print

_log = logging.getLogger(__name__)

# Compiling takes a core each; but one that hangs must not hold up the others.
AT_ONCE = 4

Outcome = Literal["complete", "refused", "changed", "known"]
Standing = tuple[int | None, frozenset[int]]  # what the default means, and what has a number


@dataclass
class _Model:
    """
    `highest` is what the default means, `untried` where that has not compiled; `problem`
    is why its base path was not listed, and `told` what the last look said of it.
    """

    config: ModelConfig
    base: Path
    versions: dict[int, Version] = field(default_factory=dict)
    highest: int | None = None
    untried: bool = False
    problem: str = ""
    told: Standing = (None, frozenset())

    def hopeful(self) -> list[int]:
        return [number for number, version in self.versions.items() if version.is_hopeful]

    def choose(self, *, untried_too: bool) -> None:
        """
        What the default means: the highest complete version that the policy keeps.

        While what it keeps is not complete, the version in place stays, even one that is
        gone or that the policy left behind: it answers from memory.
        """
        hopeful = self.hopeful()
        kept = changes.kept(self.config.policy, hopeful)
        ready = [number for number in kept if self.versions[number].good]
        if self.untried and self.highest not in hopeful:
            self.highest = None
        if ready:
            self.highest, self.untried = ready[-1], False
        elif kept and self.highest is None and untried_too:
            self.highest, self.untried = kept[-1], True
        elif not changes.kept(self.config.policy, self.versions):
            self.highest = None

    def undecided(self) -> list[int]:
        """
        What is still to be compiled, newest first, of the versions that the policy or a label
        wants, and of those that compiled before: they may be loaded with the bytes of then.
        """
        kept = changes.kept(self.config.policy, self.hopeful())
        once = (number for number, version in self.versions.items() if version.good)
        wanted = {*kept, *self.config.labels.values(), *once} & self.versions.keys()
        return sorted((n for n in wanted if self.versions[n].is_undecided), reverse=True)

    def is_decided(self) -> bool:
        """Whether nothing that is still to be compiled is what the default or a label means."""
        labels = self.config.labels.values()
        return not any(
            self.highest is None or number >= self.highest or number in labels
            for number in self.undecided()
        )

    def standing(self) -> Standing:
        return self.highest, frozenset(self.hopeful())

    def report(self, problem: str) -> None:
        """Why there is nothing to see. Said once."""
        if problem and problem != self.problem:
            _log.warning("%s: %s", self.config.name, problem)
        self.problem = problem


class Catalogue:
    """
    The models of a configuration, and their versions as of the last look.

    `settle` seconds without a change make a version settled. Thread-safe: looking and
    compiling happen without the lock, and what they find counts only for the files
    that it was found of.
    """

    def __init__(
        self,
        compiler: Compiler,
        *,
        settle: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._compiler = compiler
        self._settle = settle
        self._clock = clock
        self._models: dict[str, _Model] = {}
        self._lock = threading.RLock()
        self._impatient = False
        # For who asks by number alone: behind what is compiled ahead they would wait for it all.
        self._gate = threading.BoundedSemaphore(AT_ONCE)

    def configure(self, configs: Iterable[ModelConfig]) -> list[ModelId]:
        """
        From now on these models, and no others. Returns the versions that are gone with
        their models. Raises InvalidInput, changing nothing, for a base path elsewhere.
        """
        wanted = {config.name: config for config in configs}
        bases = {name: base_directory(c.base_path, name) for name, c in wanted.items()}
        with self._lock:
            left_out = [name for name in self._models if name not in wanted]
            gone = [ModelId(name, v) for name in left_out for v in self._models[name].versions]
            for name in left_out:
                del self._models[name]
            for name, config in wanted.items():
                model = self._models.setdefault(name, _Model(config, bases[name]))
                model.config, model.base = config, bases[name]
                self._choose(model)
        return gone

    def answer_undecided(self) -> None:
        """
        From now on a model without a version in place answers with the one that it would
        have: the request waits until that has compiled. For when there are too many to
        compile them all before the first request.
        """
        with self._lock:
            self._impatient = True
            for model in self._models.values():
                self._choose(model)

    def models(self) -> list[str]:
        with self._lock:
            return sorted(self._models)

    def look(self, name: str) -> tuple[list[ModelId], bool]:
        """
        See what lies under the model's base path now.

        Returns the versions that are gone, and whether anything is different for
        requests since the last look. A base path that cannot be listed leaves everything as
        it was.
        """
        model = self._models.get(name)
        if model is None:
            return [], False
        now = self._clock()
        try:
            there = versions(model.base)
        except OSError as error:
            model.report(f"{error.strerror}: {model.base}")
            return [], False
        model.report("" if there else f"there is no version in {model.base}")
        seen = {version: (place, take_print(place)) for version, place in there.items()}
        with self._lock:
            gone = [v for v in model.versions if v not in seen]
            for version in gone:
                del model.versions[version]
            for version, (place, taken) in seen.items():
                new = Version(ModelId(name, version), place, taken, now)
                found = model.versions.setdefault(version, new)
                if found is not new:
                    found.see(place, taken, now=now, settle=self._settle)
            self._choose(model)
            before, model.told = model.told, model.standing()
            return [ModelId(name, v) for v in gone], before != model.told

    def undecided(self, name: str) -> list[ModelId]:
        """The versions that are to be compiled ahead of requests, the newest first."""
        with self._lock:
            model = self._models.get(name)
            return [ModelId(name, version) for version in model.undecided()] if model else []

    def is_decided(self) -> bool:
        """Whether it is known of each model what its default and its labels mean."""
        with self._lock:
            return all(model.is_decided() for model in self._models.values())

    def is_settled(self) -> bool:
        """Whether no version has changed between the last two looks."""
        with self._lock:
            return all(v.settled for m in self._models.values() for v in m.versions.values())

    def compile(self, id: ModelId) -> Outcome:
        """
        Find out whether `id` can be served. Takes a second or more.

        `known`: somebody else has found out. `changed`: it has while that was found out,
        or it is no version any more.
        """
        found = self._find(id)
        if found is None:
            return "changed"
        with found.compiling:
            with self._lock:
                taken = found.print
                if not found.is_undecided:
                    return "known"
            verdict = judge(self._compiler, found.directory)
            with self._lock:
                as_before = taken == found.print == take_print(found.directory)
                if self._find(id) is not found or not as_before:
                    return "changed"
                if isinstance(verdict, Refusal):
                    found.refuse(verdict, self._clock())
                else:
                    found.accept(verdict)
                self._choose(self._models[id.model])
        return "refused" if isinstance(verdict, Refusal) else "complete"

    def complete(self, id: ModelId) -> Complete:
        """
        `id` as it can be loaded now, compiled if nobody has.

        Raises NotFound where there is no such version, ModelRefused with the reason,
        and Unavailable while its files change.
        """
        found = self._find(id)
        if found is None:
            raise NotFound(f"{id} is not there")
        if found.is_undecided:
            with self._gate:
                self.compile(id)
        with self._lock:
            good = found.good
            if good is not None and good.print == take_print(good.directory):
                return good
            if found.refused:
                raise ModelRefused(found.refused)
        raise Unavailable(f"the files of {found.directory} are changing")

    def versions(self, name: str) -> list[int]:
        """What a request can ask for by number, ascending: all that is not known to be unfit."""
        with self._lock:
            model = self._models.get(name)
            if model is None:
                return []
            highest, found = model.standing()
            return sorted(found if highest is None else found | {highest})

    def highest(self, name: str) -> int | None:
        """What a request means that names neither version nor label."""
        with self._lock:
            model = self._models.get(name)
            return model.highest if model else None

    def refused(self, name: str) -> dict[int, str]:
        """The versions that cannot be served as they are, and why."""
        with self._lock:
            model = self._models.get(name)
            found = model.versions if model else {}
            return {v: f.refused for v, f in found.items() if f.refused and not f.good}

    def directory(self, id: ModelId) -> Path | None:
        found = self._find(id)
        return found.directory if found else None

    def plan(self, id: ModelId) -> Plan | None:
        found = self._find(id)
        return found.good.plan if found and found.good else None

    def files(self, id: ModelId) -> Print | None:
        found = self._find(id)
        return found.print if found else None

    def _find(self, id: ModelId) -> Version | None:
        with self._lock:
            model = self._models.get(id.model)
            return model.versions.get(id.version) if model else None

    def _choose(self, model: _Model) -> None:
        model.choose(untried_too=self._impatient)
