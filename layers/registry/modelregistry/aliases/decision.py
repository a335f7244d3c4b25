"""
Which version answers: a pure function of what an alias says and what a request says.

Servers decide by it, and `deploy explain` tells it. Whether the version is there, and
what stands in for it if not, comes after.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..errors import InvalidInput, NotFound
from ..names import version_number
from . import picking
from .caller import VERSION_HEADER, Caller
from .shares import Shares, text
from .state import Alias


@dataclass(frozen=True)
class Decision:
    """
    `rule` is the position, from 1, of the rule that matched; 0 if none did. `shares` are
    what was picked from: the rule's, or the alias's. `key` is what the caller is known by;
    None where the pick was random, or there was nothing to pick from. `override` says
    what became of the header that asks for a version.
    """

    version: int
    shares: Shares
    rule: int = 0
    key: str | None = None
    override: Literal["", "taken", "ignored"] = ""


def decide(
    model: str, name: str, alias: Alias, caller: Caller, random: Callable[[], float]
) -> Decision:
    """
    What `alias`, which `model` calls `name`, wants for `caller`.

    `random`, in [0, 1), is asked where several versions share callers without a routing
    key. Where the alias lets callers ask for a version, InvalidInput is raised for what is
    none, and NotFound for one that the alias does not name.
    """
    asked = caller.value(VERSION_HEADER)
    override: Literal["", "ignored"] = ""
    if asked is not None:
        if alias.override:
            return Decision(_asked_for(name, alias, asked), alias.routes, override="taken")
        override = "ignored"
    at, shares = _matching(alias, caller)
    if len(shares) == 1:
        return Decision(shares[0].version, shares, at, None, override)
    key = caller.value(alias.key) or None
    version = (
        picking.at_random(shares, random())
        if key is None
        else picking.pick(shares, model, name, key)
    )
    return Decision(version, shares, at, key, override)


def _matching(alias: Alias, caller: Caller) -> tuple[int, Shares]:
    for at, rule in enumerate(alias.rules, 1):
        if rule.matches(caller):
            return at, rule.routes
    return 0, alias.routes


def _asked_for(name: str, alias: Alias, asked: str) -> int:
    try:
        version = version_number(asked.strip())
    except InvalidInput as error:
        raise InvalidInput(f"{VERSION_HEADER}: {error}", hint=error.hint) from None
    named = alias.named()
    if version not in named:
        raise NotFound(
            f"{VERSION_HEADER} asks for version {version}, which alias {name!r} does not name",
            hint=f"it names {', '.join(map(str, sorted(named)))}: {text(alias.routes)}",
        )
    return version
