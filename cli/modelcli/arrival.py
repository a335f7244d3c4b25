"""What is said when a version has come into a registry: its size, and how it goes live."""

from modelregistry.aliases import changes
from modelregistry.aliases.revision import Revision
from modelregistry.manifest import Manifest
from modelregistry.names import HIGHEST, ModelId
from modelregistry.registry import EMPTY, Registry, alias_flag

from . import output, wording


def contents(manifest: Manifest) -> str:
    return f"{wording.count(len(manifest.files), 'file')}, {wording.size(manifest.size)}"


def show_uploaded(registry: Registry, uploaded: int, manifest: Manifest) -> None:
    """What went over the wire, where there is one: the rest was copied inside the store."""
    if not registry.url.startswith("file:"):
        output.line(f"uploaded {wording.size(uploaded)} of {wording.size(manifest.size)}")


def say_how_to_go_live(
    registry: Registry, id: ModelId, revision: Revision | None, flag: str = ""
) -> None:
    """
    What the version policy did with `id`, that it is live, or the command that makes it
    so. `flag` is what that command needs to mean `registry`.
    """
    if revision is not None:
        output.note(_policy_acted(registry, revision))
    state = registry.state(id.model)
    if state.default == HIGHEST:
        highest = registry.highest(id.model, state, registry.versions(id.model, state))
        if highest == id.version:
            output.note(f"requests that name no version are for {highest} now")
        elif highest is not None:
            output.note(f"requests that name no version are still for {highest}")
    elif revision is None and id.version not in state.versions():
        command = f"deploy promote {id.model} {id.version}{alias_flag(state.default)}{flag}"
        output.note(command, "to go live")


def _policy_acted(registry: Registry, revision: Revision) -> str:
    before = registry.aliases.get(revision.model, revision.number - 1)
    changed = changes.differences(before.state if before else EMPTY, revision.state)
    what = "; ".join(changed) or "no alias changed"
    return f"the version policy wrote {revision.model} revision {revision.number}: {what}"
