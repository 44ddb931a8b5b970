from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from eqspec.compile.spec_differences import Change, Matters, spec_changes
from tests.toy_specs import PATH, SIE, load_toy, plan_of

JUDGED = "evaluate: [{use: r2, at: end}]"


def resolved(method: str = "vicreg", equivariance: str = PATH, extra: str = JUDGED) -> Any:
    return plan_of(load_toy(method, equivariance=equivariance, extra=extra)).resolved


@pytest.fixture(scope="module")
def spec() -> Any:
    return resolved()


def one(spec: Any, *path: str | int, value: object) -> Change:
    """The only change that setting one leaf makes."""
    other: Any = deepcopy(spec)
    holder = other
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    (change,) = spec_changes(spec, other)
    return change


@pytest.mark.parametrize(
    ("path", "value", "matters"),
    [
        (("seed",), 3, Matters.WEIGHTS),
        (("equivariance", "lambda"), 0.25, Matters.WEIGHTS),
        (("method", "modules", "embed", "params", "width"), 48, Matters.WEIGHTS),
        (("method", "rev"), 9, Matters.WEIGHTS),
        (("data", "name"), "others", Matters.WEIGHTS),
        (("train", "batch"), 16, Matters.WEIGHTS),
        (("evaluate", 0, "use", "params", "seeds"), 7, Matters.EVALUATION),
        (("evaluate", 0, "use", "about"), "Something else.", Matters.NOTHING),
        (("method", "about"), "Something else.", Matters.NOTHING),
        (("backbone", "facts"), {"width": 32}, Matters.NOTHING),
        (("machine", "workers"), 3, Matters.NOTHING),
        (("about",), "Something else.", Matters.NOTHING),
    ],
    ids=str,
)
def test_what_a_leaf_matters_for(
    spec: Any, path: tuple[str | int, ...], value: object, matters: Matters
) -> None:
    assert one(spec, *path, value=value).matters is matters


def test_how_data_is_fetched_is_cosmetic() -> None:
    folder = {
        "card": "dataset",
        "name": "images",
        "rev": 1,
        "about": "Some images in a folder.",
        "impl": "image_folder",
        "params": {"unreadable": 3},
        "facts": {"mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]},
    }
    assert one({"data": folder}, "data", "params", "unreadable", value=5).matters is Matters.NOTHING


def test_of_initial_weights_only_their_hash_counts() -> None:
    start = {"init_from": {"weights": "a.safetensors", "sha256": "0" * 64}}
    assert one(start, "init_from", "weights", value="b").matters is Matters.NOTHING
    assert one(start, "init_from", "sha256", value="1" * 64).matters is Matters.WEIGHTS


def test_what_changes_the_weights_comes_first(spec: Any) -> None:
    other = deepcopy(spec)
    other["about"], other["seed"] = "Something else.", 3
    other["evaluate"][0]["use"]["params"]["seeds"] = 7
    assert [c.dotted for c in spec_changes(spec, other)] == [
        "seed",
        "evaluate[0].use.params.seeds",
        "about",
    ]


def test_a_neutral_value_that_is_written_out_is_no_difference(spec: Any) -> None:
    other = deepcopy(spec)
    del other["machine"], other["equivariance"]["border"], other["train"]["precision"]
    other["method"]["recipe"]["clip"] = None
    assert spec_changes(spec, other) == ()


def test_another_card_is_one_difference(spec: Any) -> None:
    changes = spec_changes(spec, resolved(equivariance=SIE))
    assert [(c.dotted, c.a, c.b) for c in changes] == [
        ("equivariance", "intermediate-reconstruction", "sie")
    ]
    assert changes[0].inside > 10
    (change,) = spec_changes(resolved(equivariance="none"), spec)
    assert (change.a, change.b) == ("none", "intermediate-reconstruction")


def test_a_spec_of_another_schema_is_compared_as_it_stands() -> None:
    old: Any = {"schema": 0, "seed": 1, "gone": {"x": 1}}
    assert [c.dotted for c in spec_changes(old, {**old, "gone": {"x": 2}})] == ["gone.x"]
