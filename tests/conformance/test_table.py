"""The table of docs/compatibility.md cannot drift from what is tested."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from .rule import Case, Elsewhere, Group
from .rules import GROUPS
from .table import PLACE, page

ROOT = Path(__file__).parents[2]
PROOFS = [proof for group in GROUPS for rule in group.rules for proof in rule.proof]
ELSEWHERE = sorted({proof.test for proof in PROOFS if isinstance(proof, Elsewhere)})


def test_the_page_is_what_the_rules_say() -> None:
    assert page() == PLACE.read_text("utf-8"), "run: python -m tests.conformance"


def test_there_are_more_cases_than_upstream_has() -> None:
    assert 160 <= sum(isinstance(proof, Case) for proof in PROOFS)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_a_case_is_found_by_its_name(group: Group) -> None:
    names = Counter(p.name for rule in group.rules for p in rule.proof if isinstance(p, Case))
    assert [] == [name for name, count in names.items() if count > 1]


def test_every_rule_is_proved() -> None:
    assert [] == [rule.title for group in GROUPS for rule in group.rules if not rule.proof]


@pytest.mark.parametrize("test", ELSEWHERE)
def test_a_test_that_proves_a_rule_elsewhere_is_there_to_be_collected(test: str) -> None:
    place, *names = test.split("::")
    assert Path(place).name.startswith("test_")
    body = ast.parse((ROOT / place).read_text("utf-8")).body
    for name in names[:-1]:
        (body,) = [n.body for n in body if isinstance(n, ast.ClassDef) and n.name == name]
        assert name.startswith("Test")
    functions = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    assert names[-1].startswith("test_")
    assert names[-1] in functions
