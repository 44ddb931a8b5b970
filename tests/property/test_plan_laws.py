"""Laws of plans: what a recipe's id depends on, and what is left of a spec once it is resolved."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from eqspec.build.cost.trace import trace
from eqspec.compile.timetable import timetable
from eqspec.compile.types.plan import EvalPlan, Plan
from eqspec.errors import SpecError
from eqspec.ops.find import FAMILIES, op_names
from eqspec.spec.dump import write_yaml
from eqspec.spec.load import parse_spec
from tests.method_strategies import FEWER, planned
from tests.toy_specs import COMPOSITIONS, PATH, load_toy, plan_of

if TYPE_CHECKING:
    from collections.abc import Iterator

EVALUATED = "evaluate: [{use: r2, at: end}, {use: r2, every: 2 steps, with: {seeds: 1}}]"
REWRITE = PATH.replace("split: 0.5", "d_equi: 8, lambda: 2.5")
RICH = plan_of(load_toy("ibot", equivariance=REWRITE, extra=EVALUATED))
RESOLVED: dict[str, Any] = RICH.resolved
"""A spec with every card in place and every default written."""

HOW_IT_RUNS = {"schema", "seed", "about", "evaluate", "compare", "machine", "keep"}
TOLD = {"name", "about", "notes", "paper", "licence", "status"}


def leaves(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths of all scalars."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*at, index))
    else:
        yield at


def look_up(data: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


def changed(data: dict[str, Any], path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    copy = deepcopy(data)
    look_up(copy, path[:-1])[path[-1]] = value
    return copy


def only_told(path: tuple[str | int, ...]) -> bool:
    """Whether a leaf is a word about a card, or a fact that is only checked."""
    of_card = path[-1] in TOLD and "card" in look_up(RESOLVED, path[:-1])
    return (of_card and path != ("data", "name")) or path[:2] == ("backbone", "facts")


@pytest.mark.parametrize(("method", "rewrite"), COMPOSITIONS.values(), ids=COMPOSITIONS)
def test_a_resolved_spec_is_the_same_training(method: str, rewrite: str) -> None:
    once = plan_of(load_toy(method, equivariance=rewrite, extra=EVALUATED))
    again = planned(once.resolved, name=f"{method}.yaml")
    assert again.recipe == once.recipe
    for part in ("graph", "views", "train", "data", "evaluations", "timetable", "machine"):
        assert getattr(again, part) == getattr(once, part), part
    assert again.resolved == once.resolved


def test_a_resolved_spec_needs_no_card() -> None:
    """Nothing is left to look up: no `use:` with a name in it."""
    text = json.dumps(RESOLVED)
    assert '"use": "' not in text


def test_a_plan_survives_json() -> None:
    assert Plan.model_validate_json(RICH.model_dump_json()) == RICH


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_key_order_and_comments_change_no_id(random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            random.shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        return [shuffled(v) for v in value] if isinstance(value, list) else value

    text = "# a comment\n" + write_yaml(shuffled(RESOLVED)).replace("\n", "   # another\n", 1)
    assert plan_of(parse_spec(text, path=Path("x.yaml"))).recipe == RICH.recipe


HOW = {
    "about": "another sentence",
    "seed": 7,
    "machine": {"device": "cpu", "workers": 2, "compile": "off", "micro_batches": 2},
    "evaluate": [],
    "compare": {"base": {"equivariance": "none"}},
    "keep": {"last": 1},
}


@pytest.mark.parametrize(("key", "value"), HOW.items(), ids=HOW)
def test_how_it_runs_changes_no_id(key: str, value: object) -> None:
    assert planned({**RESOLVED, key: value}).recipe == RICH.recipe


def test_every_key_was_looked_at() -> None:
    """A new key of the spec is either in `HOW`, or the law below finds it."""
    assert {*HOW, "schema"} == HOW_IT_RUNS


WORDS = {
    "reflect": "zeros",
    "mean": "sum-per-image",
    "fp32": "bf16",
    "bicubic": "bilinear",
    "adamw": "adamw",
    "gelu": "relu",
    "zeros": "none",
    "module": "all",
    "parameter": "all",
    "other-view": "all",
    "centre": "sinkhorn",
    "all-patches": "masked",
    "epoch": "step",
    "learned": "sincos-x-first",
    "linear": "uniform",
    "timm": "dino",
    "after-step": "before-forward",
    "own": "copied",
    "4 steps": "5 steps",
    "30 epochs": "31 epochs",
    "10 epochs": "11 epochs",
    "1 epochs": "2 epochs",
    "5.0e-4 per 256": "6.0e-4 per 256",
}


def another(value: object) -> object:
    """A value of the same kind, as far as one is known."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 0.96875 + 0.001
    return WORDS.get(value, value) if isinstance(value, str) else value


CHANGING = [
    path
    for path in leaves(RESOLVED)
    if path[0] not in HOW_IT_RUNS
    and not only_told(path)
    and another(look_up(RESOLVED, path)) != look_up(RESOLVED, path)
]


@FEWER
@given(st.sampled_from(CHANGING))
def test_any_other_leaf_changes_the_id(path: tuple[str | int, ...]) -> None:
    try:
        plan = planned(changed(RESOLVED, path, another(look_up(RESOLVED, path))))
    except SpecError:
        reject()
    assert plan.recipe != RICH.recipe, path


@pytest.mark.parametrize("path", [p for p in leaves(RESOLVED) if only_told(p)], ids=str)
def test_words_change_no_id(path: tuple[str | int, ...]) -> None:
    spoken = {"status": "toy", "name": "another-name"}.get(str(path[-1]), "Another sentence.")
    assert planned(changed(RESOLVED, path, spoken)).recipe == RICH.recipe


NAMES = sorted(
    {str(part) for path in leaves(RESOLVED) for part in path}
    | {name for family in FAMILIES for name in op_names(family)}
    | {"teacher.trunk", "mask.ids", "local", "between", "actions", "inv", "equi"}
)
NUMBERS = [-1, 0, 1, 2, 3, 7, 8, 16, 0.5, -0.5, 1.0, 1e9]
VALUES = (
    st.none()
    | st.booleans()
    | st.sampled_from([*NUMBERS, *NAMES, "", "4 steps"])
    | st.sampled_from([[], {}, [1], {"x": 1}, ["s", "zs"], {"impl": "linear", "params": {}}])
)


@st.composite
def miswritten(draw: st.DrawFn) -> Any:
    """The resolved spec with a few names replaced by other names, and numbers by numbers."""
    mapping = RESOLVED
    for _ in range(draw(st.integers(1, 3))):
        part = draw(st.sampled_from(["method", "equivariance", "backbone", "augment", "train"]))
        path = (part, *draw(st.sampled_from(list(leaves(RESOLVED[part])))))
        is_name = isinstance(look_up(RESOLVED, path), str)
        mapping = changed(mapping, path, draw(st.sampled_from(NAMES if is_name else NUMBERS)))
    return mapping


@st.composite
def damaged(draw: st.DrawFn, value: Any = None) -> Any:
    """The resolved spec with one value, anywhere in it, replaced, removed, renamed or doubled."""
    value = RESOLVED if value is None else value
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(value)))
        action = draw(st.sampled_from(["into", "into", "into", "remove", "rename", "double"]))
        if action == "into":
            return {**value, key: draw(damaged(value[key]))}
        kept = {k: v for k, v in value.items() if k != key or action == "double"}
        return kept if action == "remove" else {**kept, f"{key}x": value[key]}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], draw(damaged(value[index])), *value[index + 1 :]]
    return draw(VALUES)


@FEWER
@given(damaged() | miswritten())
def test_damage_anywhere_is_explained_with_its_place(mapping: Any) -> None:
    """Reading and compiling raise only SpecError; what compiles also runs on meta tensors."""
    try:
        plan = planned(mapping, name="damaged.yaml")
    except SpecError as error:
        unplaced = [d for d in error.diagnostics if d.location is None]
    else:
        unplaced = []
        trace(plan)
    assert unplaced == []


@given(
    st.integers(1, 400),
    st.integers(1, 500),
    st.lists(st.integers(1, 500), max_size=3),
)
def test_the_timetable_ends_with_training(steps: int, save: int, every: list[int]) -> None:
    evaluations = tuple(
        EvalPlan(
            id=f"e{at}",
            name="e",
            impl="r2",
            rev=1,
            params={},
            data=RICH.data,
            steps=tuple(range(n, steps + 1, n)) or (steps,),
        )
        for at, n in enumerate(every)
    )
    pauses = timetable(evaluations, steps=steps, checkpoint_every=save)
    stops = [pause.step for pause in pauses]
    assert stops == sorted(set(stops))
    assert stops[-1] == steps
    assert pauses[-1].checkpoint
    asked = {(s, e.id) for e in evaluations for s in e.steps}
    assert {(pause.step, name) for pause in pauses for name in pause.evaluations} == asked
    assert all(pause.checkpoint for pause in pauses if pause.evaluations)
