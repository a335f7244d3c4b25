"""How a plan lies in a store: where, and as which bytes."""

from ..errors import Damaged
from ..manifest import COMPILED
from ..plan import Plan
from ..sealed import seal, unseal


def plan_path(compiler: int) -> str:
    """Relative to the version's directory."""
    return f"{COMPILED}/{compiler}/plan.json"


def plan_bytes(plan: Plan) -> bytes:
    return seal({"plan": plan.to_json()})


def plan_of(data: bytes, where: str) -> Plan:
    """Read what `plan_bytes` wrote. Raises Damaged, naming `where`, for anything else."""
    try:
        return Plan.from_json(unseal(data, where)["plan"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Damaged(f"{where} is not a plan: {error}") from error
