"""A proposed change of a model: shown, written, and how to undo it."""

from collections.abc import Mapping
from typing import Any

from modelregistry.aliases.revision import as_json
from modelregistry.aliases.state import Alias, State
from modelregistry.names import HIGHEST
from modelregistry.registry import Proposal, Registry, alias_flag

from . import output


def settle(
    registry: Registry,
    proposal: Proposal,
    *,
    message: str,
    dry_run: bool,
    json: bool,
    unchanged: str,
    flag: str = "",
) -> None:
    """
    Write `proposal`, unless this is a dry run, and tell what became of it.

    `unchanged` says what is so already, for a proposal that changes nothing; `flag` is
    what a command needs to mean this registry.
    """
    revision = None if dry_run else registry.commit(proposal, message)
    if json:
        output.document(
            {
                **plan_json(proposal, dry_run=dry_run),
                "revision": None if revision is None else as_json(revision),
            }
        )
    elif proposal.is_noop:
        output.note(unchanged, "nothing to change")
    else:
        output.line(("would write " if dry_run else "") + in_one_line(proposal))
    for note in proposal.notes:
        output.note(note)
    if revision is not None and (command := undo(proposal)):
        output.note(command + flag, "undo")


def in_one_line(proposal: Proposal) -> str:
    """`sample revision 4: stable 1 → 2`."""
    changed = [difference.replace(": ", " ", 1) for difference in proposal.differences()]
    # A policy that is set again begins anew at the versions of now: nothing else to see.
    what = "; ".join(changed) or proposal.action
    return f"{proposal.model} revision {proposal.revision}: {what}"


def plan_json(proposal: Proposal, *, dry_run: bool) -> dict[str, Any]:
    return {
        "model": proposal.model,
        "dry_run": dry_run,
        "changes": proposal.differences(),
        "notes": list(proposal.notes),
    }


def undo(proposal: Proposal) -> str:
    """The command that leads back to what was before; '' where no single one does."""
    before, after = proposal.before, proposal.after
    model = proposal.model
    changed = [
        name
        for name in sorted({*before.aliases, *after.aliases})
        if before.aliases.get(name) != after.aliases.get(name)
    ]
    if len(changed) == 1:
        return _undo_alias(model, changed[0], before.aliases, after.aliases)
    if before.default != after.default:
        return _undo_default(model, before.default, after)
    if before.pinned != after.pinned:
        return f"deploy pinned {model} {before.pinned}"
    if before.policy != after.policy and getattr(before.policy, "num_versions", 1) == 1:
        return f"deploy policy {model} {before.policy or 'none'}"
    return ""


def _undo_alias(
    model: str, name: str, before: Mapping[str, Alias], after: Mapping[str, Alias]
) -> str:
    if name not in before:
        return f"deploy alias unset {model} {name}"
    was, will = before[name], after.get(name)
    if will is None and was == Alias(was.routes):  # `alias set` says no more than that
        return f"deploy alias set {model} {name} {was}"
    # A rollback restores weights and rules, and nothing else.
    if will is None or not was.goes_where(will):
        return f"deploy rollback {model}{alias_flag(name)}"
    if was.key != will.key:
        return f"deploy alias key {model} {name} {was.key}"
    if was.override != will.override:
        return f"deploy alias override {model} {name} {'allowed' if was.override else 'ignored'}"
    return ""


def _undo_default(model: str, default: str, after: State) -> str:
    if default != HIGHEST and default not in after.aliases:
        return ""
    return f"deploy alias default {model} {default}"
