"""Every card is recorded with its status, and what is recorded has all that eqspec promises of it.

`pytest tests/golden --update-golden` adds new cards and drops those that are gone. A changed
status is edited by hand.
"""

from __future__ import annotations

import ast
import json
from functools import cache

import pytest

from eqspec.registry.cards import MethodCard
from eqspec.registry.catalog import open_catalog
from tests.architecture.tree import ROOT, tree
from tests.golden.test_plans import SPECS, plans
from tests.recorded import (
    CARDS,
    recorded_cards,
    recorded_statuses,
    skip_unrecorded,
    statuses,
)
from tests.toy_specs import CUTTABLE

PARITY = ("test_term_parity.py", "precision.py")
"""Files of tests/reference that compare terms with the authors' numbers."""

METHODS = recorded_cards("methods")
REWRITES = recorded_cards("equivariance")


@cache
def composed() -> dict[str, tuple[str | None, str | None]]:
    """Spec → the cards of its method and of its rewrite."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for name in SPECS:
        cards = {m.family: m.name for m in plans()[name].provenance if m.kind == "card"}
        found[name] = cards.get("methods"), cards.get("equivariance")
    return found


def small() -> set[tuple[str | None, str | None]]:
    """Pairs of a method and a rewrite that have a small spec."""
    return {pair for name, pair in composed().items() if name.startswith("small/")}


def only_on_stored_views(method: str) -> bool:
    """Whether every composition of a method reads stored views, of data too large for small."""
    with_rewrite = [n for n, (m, rewrite) in composed().items() if m == method and rewrite]
    return bool(with_rewrite) and all(plans()[n].views.pair is not None for n in with_rewrite)


def test_the_status_of_every_card_is_recorded(request: pytest.FixtureRequest) -> None:
    now, then = statuses(), recorded_statuses()
    if request.config.getoption("--update-golden"):
        kept = {key: then.get(key, status) for key, status in now.items()}
        CARDS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        recorded_statuses.cache_clear()
        then = kept
    assert {key: now.get(key, "gone") for key in then} == then
    if new := sorted(set(now) - set(then)):
        skip_unrecorded(", ".join(new), request=request)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_has_a_small_spec(method: str) -> None:
    assert (method, None) in small()


@pytest.mark.parametrize("method", [name for name in METHODS if name in CUTTABLE])
def test_a_method_that_a_rewrite_can_change_has_a_small_composition(method: str) -> None:
    assert method in {of for of, rewrite in small() if rewrite} or only_on_stored_views(method)


@pytest.mark.parametrize("rewrite", REWRITES)
def test_a_rewrite_has_a_small_spec(rewrite: str) -> None:
    assert rewrite in {of for _, of in small()}


@pytest.mark.parametrize("name", [n for n in METHODS if statuses()[f"methods/{n}"] == "proved"])
def test_every_term_of_a_proved_method_is_compared_with_the_authors_numbers(name: str) -> None:
    compared = {
        node.value
        for file in PARITY
        for node in ast.walk(tree(ROOT / "tests" / "reference" / file))
        if isinstance(node, ast.Constant)
    }
    terms = {term.impl for term in open_catalog().card(MethodCard, name).model.terms.values()}
    assert terms
    assert terms <= compared
