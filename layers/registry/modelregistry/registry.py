"""
One registry: an artifact store and an alias table, and the rules between them.

Reading is direct. A change is proposed first, as a value that can be shown, and
then committed: one compare-and-set on the revision that the proposal is built on.
"""

import getpass
import socket
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from . import clock
from .aliases import changes
from .aliases.revision import Change, Revision
from .aliases.state import Alias, Policy, State
from .aliases.table import AliasTable
from .artifacts.store import ArtifactStore
from .errors import Conflict, NoRegistry, NotFound, RegistryError
from .names import (
    DEFAULT_ALIAS,
    HIGHEST,
    ModelId,
    alias_name,
    default_name,
    message_text,
    model_name,
)

EMPTY = State()


@dataclass(frozen=True)
class Proposal:
    """
    A change of one model that is worked out but not written.

    `base` is the revision it is built on, None before the first. `notes` tell
    the person what they would want to know before they say yes.
    """

    model: str
    action: str
    base: Revision | None
    after: State
    notes: tuple[str, ...] = ()

    @property
    def before(self) -> State:
        return self.base.state if self.base else EMPTY

    @property
    def revision(self) -> int:
        """The number that this change would get."""
        return (self.base.number if self.base else 0) + 1

    @property
    def is_noop(self) -> bool:
        return self.before == self.after

    def differences(self) -> list[str]:
        return changes.differences(self.before, self.after)


class Registry:
    """
    Cheap to construct; nothing is read before the first call.

    `who` names the author of changes, `now` tells the time, both for the log.
    """

    def __init__(
        self,
        artifacts: ArtifactStore,
        aliases: AliasTable,
        *,
        url: str,
        who: Callable[[], str] | None = None,
        now: Callable[[], datetime] = clock.utc_now,
    ) -> None:
        self.artifacts = artifacts
        self.aliases = aliases
        self.url = url
        self.who = who or user_at_host
        self.now = now

    def models(self) -> list[str]:
        """Models with a version or an alias, by name."""
        stored = set(self.artifacts.models())
        rest = (model for model in self.aliases.models() if model not in stored)
        return sorted({*stored, *(model for model in rest if self.state(model).aliases)})

    def known_models(self) -> list[str]:
        """
        Every model that ever had a version or an alias, by name.

        Reads no revision, so that one damaged model hides no other.
        """
        return sorted({*self.artifacts.models(), *self.aliases.models()})

    def state(self, model: str) -> State:
        """What the newest revision says; the empty state before the first."""
        newest = self.aliases.newest(model)
        return newest.state if newest else EMPTY

    def newest(self, model: str, *, expect: int | None = None) -> Revision | None:
        """The newest revision. Raises Conflict if its number is not the `expect`ed one."""
        newest = self.aliases.newest(model)
        number = newest.number if newest else 0
        if expect is not None and expect != number:
            raise self._lost(model, expect)
        return newest

    def versions(self, model: str, state: State | None = None) -> list[int]:
        """
        The published versions of `model`, ascending.

        A retired number is none of them even where its bytes still lie there.
        """
        retired = (state or self.state(model)).retired
        return [v for v in self.artifacts.versions(model) if v not in retired]

    def resolve(self, model: str, alias: str | None = None) -> ModelId:
        """
        The version at the head of `alias`, or of the model's default: its largest share.

        Raises NotFound, saying how to set it.
        """
        state = self.state(model_name(model))
        name = alias or state.default
        if name == HIGHEST:
            highest = self.highest(model, state, self.versions(model, state))
            if highest is not None:
                return ModelId(model, highest)
        elif found := state.aliases.get(name):
            share = max(found.routes, key=lambda share: (share.weight, share.version))
            return ModelId(model, share.version)
        raise self._unset(model, name)

    def highest(self, model: str, state: State, versions: Iterable[int]) -> int | None:  # noqa: ARG002 - for those that know more of a model
        """What the default `highest` means: the highest of `versions` that the policy keeps."""
        return max(changes.kept(state.policy, versions), default=None)

    def refused(self, model: str) -> Mapping[int, str]:  # noqa: ARG002 - as above
        """Versions that are there but cannot be served, and why. What is published can."""
        return {}

    def history(self, model: str, at: datetime | None = None) -> Iterator[Revision]:
        """The revisions of `model`, newest first; with `at`, from the newest not later than it."""
        self.must_exist(model)
        log = self.aliases.log(model)
        return log if at is None else (r for r in log if r.change.at <= at)

    def published(self, id: ModelId, state: State | None = None) -> ModelId:
        """`id` if it has a sound manifest and is not retired. Raises NotFound or Damaged."""
        state = state or self.state(id.model)
        self.must_not_be_retired(id, state)
        try:
            self.artifacts.manifest(id)
        except NoRegistry:
            raise
        except NotFound as error:
            raise NotFound(str(error), hint=self._known(id.model, state)) from None
        return id

    def must_exist(self, model: str) -> None:
        """Raise NotFound for a model that has neither a version nor a log."""
        if self.aliases.newest(model_name(model)) is None and not self.artifacts.versions(model):
            raise NotFound(f"no model {model!r} in {self.url}", hint=self._known_models())

    def alias(self, model: str, name: str, state: State) -> Alias:
        """What `state` says of alias `name`. Raises NotFound, saying how to set it."""
        if name not in state.aliases:
            raise self._unset(model, name)
        return state.aliases[name]

    def must_not_be_retired(self, id: ModelId, state: State | None = None) -> None:
        """Raise NotFound if `id` was deleted."""
        if id.version in (state or self.state(id.model)).retired:
            raise NotFound(f"{id} was deleted and never comes back")

    def propose_promote(self, id: ModelId, alias: str, *, expect: int | None = None) -> Proposal:
        """All of `alias` goes to `id`, but for whom its rules send elsewhere."""
        return self.propose_set(
            id.model, alias, changes.whole(id.version), expect=expect, action="promote"
        )

    def propose_set(
        self,
        model: str,
        alias: str,
        target: Alias,
        *,
        expect: int | None = None,
        action: str = "set",
    ) -> Proposal:
        """
        `alias` has the weights of `target`, whose versions must be published. What is in
        place stays as it is: rules, and how callers are known.
        """
        base = self.newest(model_name(model), expect=expect)
        state = base.state if base else EMPTY
        self.must_be_published(model, target.versions(), state)
        change = changes.repoint if action == "promote" else changes.split
        after = change(state, alias_name(alias), target.routes)
        return Proposal(model, action, base, after, self.notes(model, alias, after))

    def propose_change(
        self,
        model: str,
        alias: str,
        action: str,
        change: Callable[[State, Alias], State],
        *,
        expect: int | None = None,
    ) -> Proposal:
        """
        What `change` makes of the state and what it says of `alias`, which must be set.

        Raises NotFound where it is not, and what `change` raises.
        """
        base = self.newest(model_name(model), expect=expect)
        state = base.state if base else EMPTY
        after = change(state, self.alias(model, alias_name(alias), state))
        return Proposal(model, action, base, after)

    def must_be_published(self, model: str, versions: Iterable[int], state: State) -> None:
        """Raise NotFound or Damaged for one of `versions` that nothing can be routed to."""
        for version in sorted(versions):
            self.published(ModelId(model, version), state)

    def propose_rollback(
        self, model: str, alias: str, *, to: int | None = None, expect: int | None = None
    ) -> Proposal:
        """
        `alias` points to what it pointed to before. Reads nothing but the alias table:
        what it was pointed to was published, and a deletion would stand in the log.
        """
        base = self.newest(model_name(model), expect=expect)
        if base is None:
            self.must_exist(model)
        log = self.aliases.log(model)
        target, skipped = changes.rollback_target(log, alias_name(alias), to)
        after = changes.set_alias(base.state if base else EMPTY, alias, target)
        passed = tuple(f"passed over version {v}, which was deleted" for v in skipped)
        notes = passed + self.notes(model, alias, after)
        return Proposal(model, "rollback", base, after, notes)

    def notes(self, model: str, alias: str, after: State) -> tuple[str, ...]:
        """What whoever sets the weights of `alias` may not know of the others it has."""
        return _not_the_default(model, alias, after) + _not_all(after.aliases[alias])

    def propose_unset(self, model: str, alias: str, *, expect: int | None = None) -> Proposal:
        """`alias` is gone."""
        base = self.newest(model_name(model), expect=expect)
        state = base.state if base else EMPTY
        after = changes.unset_alias(state, alias_name(alias))
        notes = (
            (f"requests that name no version use {alias!r}: they will fail",)
            if state.default == alias
            else ()
        )
        return Proposal(model, "unset", base, after, notes)

    def propose_default(self, model: str, name: str, *, expect: int | None = None) -> Proposal:
        """A request with neither version nor label means `name`: an alias, or `highest`."""
        base = self.newest(model_name(model), expect=expect)
        after = changes.set_default(base.state if base else EMPTY, default_name(name))
        return Proposal(model, "default", base, after)

    def propose_policy(
        self, model: str, policy: Policy | None, *, expect: int | None = None
    ) -> Proposal:
        """
        `policy` decides what the next published version does to the default alias; and
        which versions the default `highest` chooses from, at once.
        """
        base = self.newest(model_name(model), expect=expect)
        state = base.state if base else EMPTY
        published = self.versions(model, state)
        after = changes.set_policy(state, policy, published)
        notes = tuple(changes.moved(state, after, published))
        return Proposal(model, "policy", base, after, notes)

    def commit(self, proposal: Proposal, message: str = "") -> Revision | None:
        """
        Write the proposed change as the next revision: atomically, or not at all.

        Returns None where there is nothing to change. Raises Conflict, naming who
        won and what they changed, if another revision came first.
        """
        if proposal.is_noop:
            return None
        model_name(proposal.model)
        message_text(message)
        now = self.now()
        at = max(now, proposal.base.change.at) if proposal.base else now
        change = Change(uuid.uuid4().hex, proposal.action, self.who(), at, message)
        revision = Revision(proposal.model, proposal.revision, proposal.after, change)
        try:
            self.aliases.append(revision)
        except Conflict as conflict:
            winner = self.aliases.get(proposal.model, revision.number)
            if winner and winner.change.id == change.id:
                return winner  # ours: only the reply was lost
            raise self._lost(proposal.model, proposal.revision - 1) from conflict
        return revision

    def _lost(self, model: str, believed: int) -> Conflict:
        """The error of somebody who believed that revision `believed` is the newest."""
        newest = self.aliases.newest(model)
        number = newest.number if newest else 0
        if newest is None or believed > number:
            return Conflict(f"{model} is at revision {number}, not {believed}", winner=number)
        before = self.aliases.get(model, number - 1)
        changed = changes.differences(before.state if before else EMPTY, newest.state)
        others = number - 1 - believed
        more = f"; {others} more since revision {believed}" if others else ""
        return Conflict(
            f"{model} is at revision {number}, not {believed}: {describe(newest)},"
            f" changing {'; '.join(changed) or 'nothing visible'}{more}",
            winner=number,
            hint=f"look at it with: deploy history {model}; then decide again",
        )

    def _unset(self, model: str, name: str) -> RegistryError:
        self.must_exist(model)
        return NotFound(
            f"{model} has no alias {name!r}",
            hint=f"set it: deploy promote {model} VERSION{alias_flag(name)}"
            f" ({self._known(model, self.state(model))})",
        )

    def _known(self, model: str, state: State) -> str:
        versions = self.versions(model, state)
        if versions:
            return f"published: {_some(versions)}"
        return f"no version of {model} is published: deploy publish PATH {model}"

    def _known_models(self) -> str:
        models = self.models()
        return f"models here: {_some(models)}" if models else "publish one: deploy publish PATH"


def _not_the_default(model: str, alias: str, state: State) -> tuple[str, ...]:
    """Who moves `stable` mostly means to move everybody: after a models.config it does not."""
    if alias != DEFAULT_ALIAS or state.default != HIGHEST:
        return ()
    where = f"requests that name no version go to the highest one, not to {alias!r}"
    return (f"{where}; to change that: deploy alias default {model} {alias}",)


def _not_all(alias: Alias) -> tuple[str, ...]:
    """Who sets weights may have forgotten that some callers do not go by them."""
    return tuple(f"its rules come first: {rule}" for rule in alias.rules)


def alias_flag(alias: str) -> str:
    """What a command needs to mean `alias`: nothing for the one it means anyway."""
    return "" if alias == DEFAULT_ALIAS else f" --alias {alias}"


def describe(revision: Revision) -> str:
    """Who made a revision, how and when, for a person."""
    change = revision.change
    # On one line: a message must not pass for what this program says itself.
    why = f" ({' '.join(change.message.split())})" if change.message else ""
    return f"{change.by} did {change.action!r} at {clock.stamp(change.at)}{why}"


def user_at_host() -> str:
    """Who runs this process, as far as the machine can tell."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without an entry in passwd
        user = "unknown"
    # Whatever the system calls them, the log is UTF-8.
    return f"{user}@{socket.gethostname()}".encode(errors="replace").decode()


def _some(items: Sequence[object]) -> str:
    """The last ten of `items`, for a sentence."""
    more = "…, " if len(items) > 10 else ""
    return more + ", ".join(map(str, items[-10:]))
