"""What stored views allow and refuse: both places named, and said again where data stand in."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.compile.lookup.look_up import look_up
from eqspec.compile.lookup.resolve import resolve
from eqspec.compile.planner import plan
from eqspec.compile.rules.spec import across_cards
from eqspec.compile.rules.warnings import plan_warnings
from eqspec.compile.types.pairs import PairPlan
from eqspec.compile.types.plan import Plan
from eqspec.errors import Diagnostic, SpecError
from eqspec.registry.catalog import open_catalog
from eqspec.spec.load import parse_spec, read_spec_text

SPEC = """\
schema: 1
data: {use: 3diebench}
backbone: {use: resnet18}
method: {use: vicreg_pooled}
equivariance: {use: sie, transform: {use: object_rotation}, d_equi: 256}
train: {length: 1 epochs, batch: 1024}
"""
PATH = "equivariance={use: intermediate-reconstruction, transform: {use: rot}, split: 0.5}"
DRAWN = "equivariance.transform.use=rot"
HUE = "equivariance.transform.use=object_rotation_hue"


def problems_of(*overrides: str) -> tuple[Diagnostic, ...]:
    found = look_up(
        read_spec_text(SPEC, path=Path("spec.yaml"), overrides=overrides).own.source, open_catalog()
    )
    return (*found.problems, *across_cards(found))


def planned(*overrides: str) -> Plan:
    loaded = parse_spec(SPEC, path=Path("spec.yaml"), overrides=overrides)
    return plan(resolve(look_up(loaded.source, open_catalog()), loaded.spec, name="spec"))


@pytest.mark.parametrize("override", ["seed=1", HUE, "equivariance=none", "method.use=vicreg_sie"])
def test_what_the_data_give_is_allowed(override: str) -> None:
    assert problems_of(override) == ()


@pytest.mark.parametrize(
    ("overrides", "expected", "first", "second"),
    [
        ((PATH,), "there are no images between two stored views", "<cli>:", "3diebench.yaml"),
        ((DRAWN,), "`rot` is drawn, but `3diebench` stores", "<cli>:", "3diebench.yaml"),
        (("data.use=cifar100",), "and `cifar100` has none", "spec.yaml:5", "<cli>:"),
        (
            ("data.use=cifar10", "equivariance.use=sie-no-var"),
            "`object_rotation` is read from stored latents, and `cifar10` has none",
            "spec.yaml:5",
            "<cli>:",
        ),
        (
            ("data.with.latents=5", HUE),
            "`object_rotation_hue` reads latent 6, but the last one of `3diebench` is 4",
            "<cli>:--set #2",
            "<cli>:--set #1",
        ),
    ],
)
def test_what_they_do_not_is_refused_with_both_places(
    overrides: tuple[str, ...], expected: str, first: str, second: str
) -> None:
    (one,) = problems_of(*overrides)
    assert one.code == "EQ041"
    assert expected in one.message
    ((also, label),) = one.also
    assert first in str(one.location)
    assert second in str(also)
    assert label
    assert one.label
    assert one.help


@pytest.mark.parametrize("overrides", [(PATH,), (DRAWN,), ("data.use=cifar100",)])
def test_the_planner_refuses_it_too(overrides: tuple[str, ...]) -> None:
    """A folder that stands in for the dataset is known no earlier."""
    with pytest.raises(SpecError) as caught:
        planned(*overrides)
    assert [d.code for d in caught.value.diagnostics] == ["EQ041"]


def test_parameters_that_are_not_legal_are_all_that_is_said() -> None:
    wrong = ("data.with.latents=many", "equivariance.transform.with.differences=[-1]")
    assert sorted(d.code for d in problems_of(*wrong)) == ["EQ011", "EQ012"]


@pytest.mark.parametrize(("override", "width"), [("seed=1", 4), (HUE, 6)])
def test_the_plan_says_what_is_read(override: str, width: int) -> None:
    built = planned(override)
    assert built.views.path is None
    assert built.views.pair is not None
    assert built.views.pair.latents == 7
    relation = built.views.pair.relation
    assert relation is not None
    assert (relation.impl, len(relation.names)) == ("relative_rotation", width)
    assert built.graph.streams["actions"].size("A") == width
    assert "between" not in built.graph.streams
    assert built.graph.split == (256, 256)
    assert ("relations", "relative_rotation") in {(m.family, m.name) for m in built.provenance}


def test_a_method_of_its_own_gets_the_pair_and_no_relation() -> None:
    assert planned("equivariance=none").views.pair == PairPlan(latents=7)


def test_where_a_sample_is_an_image_nothing_is_paired() -> None:
    assert planned("data.use=cifar10", DRAWN, "image=64").views.pair is None


def test_recipes_tell_the_actions_apart() -> None:
    recipes = {planned(o).recipe for o in ("seed=1", HUE, "equivariance=none", "data.with.views=9")}
    assert len(recipes) == 4


def test_a_step_that_the_poses_know_nothing_of_is_doubted() -> None:
    def doubted(*overrides: str) -> list[str]:
        loaded = parse_spec(SPEC, path=Path("spec.yaml"), overrides=overrides)
        resolved = resolve(look_up(loaded.source, open_catalog()), loaded.spec, name="spec")
        return [d.message for d in plan_warnings(resolved, plan(resolved)) if d.code == "EQ507"]

    assert doubted() == []
    assert doubted("augment={use: crop_only}") == []
    assert doubted("augment={use: all}", "equivariance=none") == []
    flips = doubted("augment={use: crop_flip}")
    assert flips
    assert all(reported.startswith("`flip` changes the view") for reported in flips)
