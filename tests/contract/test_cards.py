"""Every card keeps the contract of cards: found by its file, with the same tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from eqspec.commands.planning.plans import plan_spec
from eqspec.compile.lookup.alternatives import carried_out
from eqspec.compile.lookup.rewrite_inputs import transform_needed
from eqspec.compile.types.plan import Plan
from eqspec.nn.world import World
from eqspec.ops.find import find_backbone, find_evaluation, find_op, find_transform, op_names
from eqspec.ops.op import BATCH, StreamType
from eqspec.registry.cards import FAMILIES
from eqspec.registry.catalog import Card, open_catalog
from eqspec.registry.places import specs_root
from eqspec.spec.load import parse_spec
from tests.toy_sizes import card_of, suits
from tests.toy_specs import CUTTABLE, REWRITES, SMALL, plan_of

CATALOG = open_catalog()
CARDS = [(family, name) for family in FAMILIES for name in CATALOG.names(family)]
SPECS = sorted(path.relative_to(specs_root()) for path in specs_root().rglob("*.yaml"))
IMAGE = 224
OF_THIS_MACHINE = {"EQ504", "EQ505"}
"""Warnings that depend on where the tests run, not on the spec."""

EACH = pytest.mark.parametrize(("family", "name"), CARDS, ids="/".join)
"""All cards."""


def each(family: str) -> pytest.MarkDecorator:
    """All cards of one family, by name."""
    return pytest.mark.parametrize("name", CATALOG.names(family))


def card(family: str, name: str) -> Card:
    return CATALOG.card(FAMILIES[family], name)


def is_stored(transform: str) -> bool:
    """Whether a transform is read from stored latents, not drawn."""
    return card("transforms", transform).model.impl in op_names("relations")


def compiled(
    method: str, *, equivariance: str = "none", evaluate: str = "[]", data: str = "photos"
) -> Plan:
    """A method at the size of its own card, on the paper's backbone."""
    text = f"""\
schema: 1
data: {{use: {data}}}
image: {IMAGE}
backbone: {{use: vit_small_patch16}}
method: {{use: {method}}}
equivariance: {equivariance}
train: {{length: 100 epochs, batch: 256}}
evaluate: {evaluate}
"""
    return plan_of(parse_spec(text, path=Path(f"{method}.yaml")))


def test_every_family_has_cards() -> None:
    assert {family for family, _ in CARDS} == set(FAMILIES)


@EACH
def test_a_card_describes_itself_in_one_sentence(family: str, name: str) -> None:
    model = card(family, name).model
    assert re.fullmatch(r"[A-Z].{8,98}\.", model.about), "one sentence that fits on a line"
    assert "\n" not in model.about
    assert model.name is None, "a file's own name is its stem"
    assert model.paper is None or re.fullmatch(r"arXiv:\d{4}\.\d{4,5}", model.paper)


@EACH
def test_a_card_is_named_after_its_file_and_its_family(family: str, name: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name)
    assert f"{card(family, name).model.card}s" in {family, "equivariances"}


@pytest.mark.parametrize(
    ("family", "name"),
    [c for c in CARDS if c[0] in {"backbones", "datasets", "transforms"}],
    ids="/".join,
)
def test_an_op_accepts_the_card(family: str, name: str) -> None:
    model = card(family, name).model
    stored = family == "transforms" and is_stored(name)
    op = find_op("relations" if stored else family, model.impl)
    params = op.Params.model_validate(model.params)
    assert op.Params.model_validate(params.model_dump(mode="json", by_alias=True)) == params


@each("augmentations")
def test_every_step_of_an_augmentation_is_legal(name: str) -> None:
    for group in card("augmentations", name).model.groups.values():
        for view in group.views:
            low, high = view.crop.scale
            assert 0 < low <= high <= 1
            assert 0 < view.crop.ratio[0] <= view.crop.ratio[1]
            for step in view.steps:
                find_transform(step.impl).Params.model_validate(step.params)


@each("evaluations")
def test_an_evaluation_is_legal_with_its_transforms(name: str) -> None:
    op = find_evaluation(card("evaluations", name).model.impl)
    on = ", with: {data: cifar10}" if op.needs_labels else ""
    sie = "{use: sie, transform: {use: rot}, split: 0.5}"
    rewrite = sie if op.needs_predictor else "none"
    plan = compiled("vicreg", equivariance=rewrite, evaluate=f"[{{use: {name}, at: end{on}}}]")
    (evaluation,) = plan.evaluations
    assert evaluation.steps == (plan.train.steps,)
    assert evaluation.id.startswith(f"{name}-")


@each("backbones")
def test_the_facts_of_a_backbone_are_true(name: str) -> None:
    model = card("backbones", name).model
    op = find_backbone(model.impl)
    params = op.Params.model_validate(model.params)
    images = StreamType(("B", "C", "H", "W"), (BATCH, 3, IMAGE, IMAGE))
    with torch.device("meta"):
        module = op.build(params, {"images": images}, world=World())
        tokens = module(images=torch.empty(2, 3, IMAGE, IMAGE))
    assert model.init is None, "which weights it starts from is the spec's to say"
    assert tokens.shape[-1] == model.facts.width
    assert tokens.shape == op.shapes(params, {"images": images}).shape(batch=2)


@each("datasets")
def test_the_facts_of_a_dataset_go_together(name: str) -> None:
    facts = card("datasets", name).model.facts
    assert all(0 < x < 1 for x in (*facts.mean, *facts.std))
    if facts.variance is not None:
        assert facts.variance == pytest.approx(sum(s * s for s in facts.std) / 3, abs=1e-4)


PARTS = [(n, p) for n in CATALOG.names("datasets") for p in card("datasets", n).model.parts]


@pytest.mark.parametrize(("name", "part"), PARTS)
def test_a_part_of_a_dataset_is_another_recipe(name: str, part: str) -> None:
    plan = compiled("vicreg", data=f"{name}, with: {{part: {part}}}")
    assert plan.data.params != compiled("vicreg", data=name).data.params


@pytest.mark.parametrize("name", [n for n in CATALOG.names("transforms") if not is_stored(n)])
def test_a_transform_makes_a_path(name: str) -> None:
    """What a spec names under `transform:` moves from the identity to itself."""
    model = card("transforms", name).model
    op = find_transform(model.impl)
    assert op.path
    ranges = op.ranges(op.Params.model_validate(model.params), size=IMAGE)
    assert len(ranges) == len(op.names)
    assert all(low < high for low, high in ranges)


@each("methods")
def test_a_method_compiles_with_its_own_recipe(name: str) -> None:
    plan = compiled(name)
    method = card("methods", name).model
    augment = method.recipe.augment
    assert augment is not None
    assert set(method.views) <= set(card("augmentations", augment).model.groups)
    assert method.recipe.optimizer is not None
    assert plan.train.optimizer.impl == method.recipe.optimizer.impl
    assert {(v.group, v.index) for v in plan.views.views} == {
        (group, index) for group, decl in method.views.items() for index in range(decl.count)
    }


@each("methods")
def test_every_rule_of_a_recipe_names_something(name: str) -> None:
    method = card("methods", name).model
    words = {"bias", "ndim<2", "norm", "gamma", *method.modules}
    for rule in method.recipe.rules:
        patterns = [rule.match] if isinstance(rule.match, str) else rule.match
        assert {pattern.split(".")[0] for pattern in patterns} <= words


@each("equivariance")
def test_a_rewrite_compiles_with_what_it_needs(name: str) -> None:
    fitting = [method for method in CUTTABLE if suits(name, method)]
    assert fitting, "a rewrite fits some method"
    for method in fitting:
        assert compiled(method, equivariance=rewrite_alone(name, method=method)).graph.added


def rewrite_alone(name: str, *, method: str) -> str:
    """The rewrite with the settings that it cannot do without."""
    model = carried_out(card("equivariance", name).model, card("methods", method).model)
    return (
        f"{{use: {name}, transform: {{use: rot}}}}"
        if transform_needed(model)
        else f"{{use: {name}}}"
    )


@pytest.mark.parametrize("name", [n for n in CATALOG.names("transforms") if not is_stored(n)])
@pytest.mark.parametrize("rewrite", ["intermediate-reconstruction", "sie"])
def test_a_transform_compiles_with_a_rewrite_that_reads_it(rewrite: str, name: str) -> None:
    plan = compiled("vicreg", equivariance=rewrite_with(rewrite, name))
    assert plan.views.path is not None
    assert plan.views.path.impl == card("transforms", name).model.impl


def rewrite_with(name: str, transform: str) -> str:
    return f"{{use: {name}, transform: {{use: {transform}}}, split: 0.25}}"


@pytest.mark.parametrize("transform", [n for n in CATALOG.names("transforms") if is_stored(n)])
def test_a_stored_transform_compiles_with_a_rewrite_that_reads_it(transform: str) -> None:
    rewrite = rewrite_with("sie", transform)
    plan = compiled("vicreg_pooled", equivariance=rewrite, data="3diebench")
    assert plan.views.path is None
    assert plan.views.pair is not None
    assert plan.views.pair.relation is not None
    assert plan.views.pair.relation.impl == card("transforms", transform).model.impl
    width = plan.graph.streams["actions"].size("A")
    assert width == len(plan.views.pair.relation.names)
    assert "between" not in plan.graph.streams


ACCEPTED = {"effect/equal_ground.yaml": ("EQ503",)}
"""Warnings of specs whose figures are published: a narrower projector is another study."""


@pytest.mark.parametrize("path", SPECS, ids=str)
def test_a_shipped_spec_compiles(path: Path) -> None:
    found = plan_spec(specs_root() / path)
    assert found.loaded.spec.about.endswith(".")
    accepted = {*OF_THIS_MACHINE, *ACCEPTED.get(str(path), ())}
    of_the_spec = [w for w in found.warnings if w.code not in accepted]
    assert of_the_spec == []
    for plan in found.in_order:
        assert plan.timetable[-1].step == plan.train.steps


def test_specs_are_shipped() -> None:
    assert Path("quickstart.yaml") in SPECS


def test_every_card_is_tried_at_toy_size() -> None:
    assert set(SMALL) == set(CATALOG.names("methods"))
    assert {card_of(text) for text in REWRITES.values()} == set(CATALOG.names("equivariance"))
