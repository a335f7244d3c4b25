"""docs/compatibility.md, written from the rules."""

from collections.abc import Iterator
from pathlib import Path

from .rule import Case, Elsewhere, Group, Rule
from .rules import GROUPS

_CASES = "../tests/conformance/rules"
PLACE = Path(__file__).parents[2] / "docs" / "compatibility.md"

_INTRODUCTION = """\
# Beside TensorFlow Serving, rule by rule

Written by `python -m tests.conformance` from the cases in
[tests/conformance](../tests/conformance), and a test fails when the two differ. **{cases} cases and
{elsewhere} other tests prove {rules} rules**: {same} rules are TensorFlow Serving's, {better} are
better on purpose, and say how. A case is asked of the application that `deploy serve` runs and of
the Lambda handler, behind a Function URL and behind an HTTP API, with real graphs; where no request
can show a rule, another test proves it.

*Upstream* is TensorFlow Serving after 2.20. `pytest tests/conformance -k "NAME"` runs one case.
"""


def page() -> str:
    """The whole document."""
    rules = [rule for group in GROUPS for rule in group.rules]
    proofs = [proof for rule in rules for proof in rule.proof]
    better = sum(bool(rule.better) for rule in rules)
    introduction = _INTRODUCTION.format(
        cases=sum(isinstance(proof, Case) for proof in proofs),
        elsewhere=len({proof.test for proof in proofs if isinstance(proof, Elsewhere)}),
        rules=len(rules),
        same=len(rules) - better,
        better=better,
    )
    return "\n".join([introduction, *_contents(), *(_section(group) for group in GROUPS)])


def _contents() -> Iterator[str]:
    yield "| | rules | better on purpose | cases and tests |\n| --- | --- | --- | --- |"
    for group in GROUPS:
        better = sum(bool(rule.better) for rule in group.rules)
        cases = sum(len(rule.proof) for rule in group.rules)
        anchor = "".join(
            c for c in group.title.lower().replace(" ", "-") if c.isalnum() or c == "-"
        )
        yield f"| [{group.title}](#{anchor}) | {len(group.rules)} | {better or ''} | {cases} |"
    yield ""


def _section(group: Group) -> str:
    rows = "\n".join(map(_row, group.rules))
    head = "| rule | upstream | here | test |\n| --- | --- | --- | --- |"
    if any(isinstance(proof, Case) for rule in group.rules for proof in rule.proof):
        head = f"The cases: [{group.name}.py]({_CASES}/{group.name}.py)\n\n{head}"
    return f"## {group.title}\n\n{head}\n{rows}\n"


def _row(rule: Rule) -> str:
    here = f"**better on purpose**: {rule.better}" if rule.better else "same"
    here += f"; but {rule.limit}" if rule.limit else ""
    proof = "; ".join(map(_proof, rule.proof))
    return f"| {' | '.join(_cell(text) for text in (rule.title, rule.upstream, here, proof))} |"


def _proof(proof: Case | Elsewhere) -> str:
    if isinstance(proof, Case):
        return proof.name
    place, _, name = proof.test.partition("::")
    return f"[{name.rpartition('::')[2].removeprefix('test_').replace('_', ' ')}](../{place})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
