"""Laws of the difference of two specs: it says the weights change exactly where the recipe does."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given, reject
from hypothesis import strategies as st

from eqspec.compile.spec_differences import Matters, leaves, spec_changes
from eqspec.errors import SpecError
from tests.method_strategies import FEWER, planned
from tests.toy_specs import PATH, load_toy, plan_of

PLAN = plan_of(load_toy("vicreg", equivariance=PATH, extra="evaluate: [{use: r2, at: end}]"))
RESOLVED: dict[str, Any] = PLAN.resolved
PATHS = [path for path, value in leaves(RESOLVED) if not isinstance(value, list)]


def changed(path: tuple[str | int, ...]) -> dict[str, Any]:
    """The spec with another value at a path, of the same kind."""
    copy: Any = deepcopy(RESOLVED)
    holder = copy
    for part in path[:-1]:
        holder = holder[part]
    value = holder[path[-1]]
    if isinstance(value, bool):
        holder[path[-1]] = not value
    elif isinstance(value, str):
        holder[path[-1]] = f"{value}x"
    else:
        holder[path[-1]] = value * 2 or 1
    return copy


@FEWER
@given(path=st.sampled_from(PATHS))
def test_the_weights_change_exactly_where_the_recipe_or_the_seed_does(
    path: tuple[str | int, ...],
) -> None:
    other = changed(path)
    try:
        plan = planned(other, name="vicreg.yaml")
    except SpecError:
        reject()
    changes = spec_changes(RESOLVED, plan.resolved)
    weighty = any(c.matters is Matters.WEIGHTS for c in changes)
    assert weighty == ((plan.recipe, plan.seed) != (PLAN.recipe, PLAN.seed))
    if [e.id for e in plan.evaluations] != [e.id for e in PLAN.evaluations]:
        assert any(c.matters is not Matters.NOTHING for c in changes)


@given(path=st.sampled_from(PATHS))
def test_a_difference_read_the_other_way_round_is_the_same(path: tuple[str | int, ...]) -> None:
    other = changed(path)
    forth, back = spec_changes(RESOLVED, other), spec_changes(other, RESOLVED)
    assert forth
    assert [(c.path, c.a, c.b, c.matters) for c in forth] == [
        (c.path, c.b, c.a, c.matters) for c in back
    ]
    assert spec_changes(other, other) == ()
