"""
A version policy and an operator share an alias: neither undoes what the other did.

Hypothesis plays publications, deletions, polls and an operator in any order.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from modelregistry.aliases import changes
from modelregistry.aliases.revision import Change, Revision
from modelregistry.aliases.state import Alias, Policy, State
from modelregistry.errors import NotFound, Refused
from tests.fakes import EPOCH

numbers = st.integers(1, 12)


class PolicyAndOperators(RuleBasedStateMachine):
    """One model with one policy. `intended` is where `stable` was last sent on purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.published: set[int] = set()
        self.log: list[Revision] = []
        self.intended: Alias | None = None

    @property
    def state(self) -> State:
        return self.log[0].state if self.log else State()

    def write(self, state: State) -> None:
        change = Change(str(len(self.log)), "test", "ann", EPOCH)
        self.log.insert(0, Revision("m", len(self.log) + 1, state, change))

    def point(self, state: State) -> None:
        self.write(state)
        self.intended = state.aliases["stable"]

    @initialize(policy=st.sampled_from([Policy("latest"), Policy("specific", versions=(3, 6, 9))]))
    def decide_on_a_policy(self, policy: Policy) -> None:
        self.write(changes.set_policy(State(), policy, []))

    @rule(version=numbers)
    def publish(self, version: int) -> None:
        if version in self.published or version in self.state.retired:
            return
        before = self.choice()
        self.published.add(version)
        after = changes.apply_policy(self.state, self.published)
        if self.choice() != before:
            assert after.aliases["stable"] == changes.whole(version)
            self.intended = after.aliases["stable"]
        self.write(after)

    @rule()
    def poll(self) -> None:
        assert changes.apply_policy(self.state, self.published) is self.state

    @precondition(lambda self: self.published)
    @rule(data=st.data())
    def promote(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(sorted(self.published)))
        self.point(changes.set_alias(self.state, "stable", changes.whole(version)))

    @rule()
    def roll_back(self) -> None:
        try:
            target, skipped = changes.rollback_target(self.log, "stable")
        except NotFound:
            return
        assert target != self.intended
        assert set(skipped) <= set(self.state.retired)
        self.point(changes.set_alias(self.state, "stable", target))

    @precondition(lambda self: self.published)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(sorted(self.published)))
        try:
            after = changes.retire(self.state, [version])
        except Refused:
            assert version in self.state.versions()
            return
        self.write(after)
        self.published.remove(version)

    @invariant()
    def the_alias_is_where_it_was_sent(self) -> None:
        assert self.state.aliases.get("stable") == self.intended

    @invariant()
    def the_alias_points_to_what_exists(self) -> None:
        assert self.state.versions() <= self.published

    def choice(self) -> int:
        """What the policy would choose if it looked for the first time; 0 for nothing."""
        assert self.state.policy is not None
        if self.state.policy.kind == "latest":
            return max(self.published, default=0)
        return max(self.published & {3, 6, 9}, default=0)


TestPolicyAndOperators = PolicyAndOperators.TestCase
TestPolicyAndOperators.settings = settings(max_examples=60, stateful_step_count=25)
