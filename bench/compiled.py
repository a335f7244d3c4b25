"""Publishing the same files again and again, without compiling them each time."""

from dataclasses import dataclass
from pathlib import Path

from modelregistry.names import ModelId
from modelregistry.plan import Plan
from modelregistry.registry import Registry


@dataclass(frozen=True)
class Compiled:
    """A compiler that has the plan already: of files that were published before."""

    plan: Plan

    @classmethod
    def of(cls, registry: Registry, id: ModelId) -> "Compiled":
        plan = registry.artifacts.plan(id)
        if plan is None:
            raise SystemExit(f"{id} has no plan")
        return cls(plan)

    def compile(self, directory: Path) -> Plan:  # noqa: ARG002 - the same files each time
        return self.plan
