"""What cards must say because the papers' own code does, beyond being legal."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.compile.types.plan import Plan
from eqspec.errors import SpecError
from eqspec.registry.cards import AugmentationCard
from eqspec.registry.catalog import open_catalog
from eqspec.registry.view_groups import StepDecl
from eqspec.spec.load import parse_spec
from tests.toy_specs import plan_of

CATALOG = open_catalog()

MULTICROP = ("dino", "ibot", "dinov2")


def compiled(method: str, *, batch: int = 256, **overrides: str) -> Plan:
    """A method at the size of its own card."""
    text = f"""\
schema: 1
data: {{use: photos}}
image: 224
backbone: {{use: vit_small_patch16}}
method: {{use: {method}}}
train: {{length: 100 epochs, batch: {batch}}}
"""
    written = [
        f"method.with.{name.replace('__', '.')}={value}" for name, value in overrides.items()
    ]
    return plan_of(parse_spec(text, path=Path(f"{method}.yaml"), overrides=written))


def blurs(name: str) -> dict[tuple[str, int], StepDecl]:
    """The blur of each view, by group and number."""
    card = CATALOG.card(AugmentationCard, name).model
    assert isinstance(card, AugmentationCard)
    return {
        (group, number): step
        for group, decl in card.groups.items()
        for number, view in enumerate(decl.views)
        for step in view.steps
        if step.impl == "blur"
    }


def test_dinov2_is_blurred_as_released_or_as_was_meant() -> None:
    """The released code hands 1 − p on where p is expected; nothing else differs."""
    meant, released = (blurs(f"dinov2_multicrop{name}") for name in ("_nominal", ""))
    assert {place: step.p for place, step in meant.items()} == {
        ("global", 0): 1.0,
        ("global", 1): 0.1,
        ("local", 0): 0.5,
    }
    for place, step in meant.items():
        swapped = round(1 - step.p, 6)
        assert swapped == (released[place].p if place in released else 0)
    assert all(step.params["radius"] == 4 for step in (*meant.values(), *released.values()))
    bodies = [
        dict(CATALOG.card(AugmentationCard, f"dinov2_multicrop{n}").body) for n in ("", "_nominal")
    ]
    cards = [AugmentationCard.model_validate(body) for body in bodies]
    others = [
        [
            (view.crop, [step for step in view.steps if step.impl != "blur"])
            for group in card.groups.values()
            for view in group.views
        ]
        for card in cards
    ]
    assert others[0] == others[1]


@pytest.mark.parametrize("method", MULTICROP)
def test_small_crops_are_blurred_in_their_own_pixels(method: str) -> None:
    step = blurs(f"{method}_multicrop")["local", 0]
    assert step.params["at"] == 96
    plan = compiled(method)
    local = [view for view in plan.views.views if view.group == "local"]
    assert {view.size for view in local} == {96}


@pytest.mark.parametrize("method", MULTICROP)
def test_small_crops_see_positions_as_dino_resamples_them(method: str) -> None:
    encoder = next(m for m in compiled(method).graph.modules if m.name == "encoder")
    assert encoder.params["pos_interp"] == "dino"


def test_dinov2_takes_either_centring() -> None:
    """Softmax and centre as in vitl16_short, or Sinkhorn as in the 14-patch recipes."""
    released = compiled("dinov2").graph.terms
    assert {term.params.get("centring") for term in released} == {"centre", None}
    other = compiled("dinov2", cls__centring="sinkhorn", patch__centring="sinkhorn").graph.terms
    assert {term.params.get("centring") for term in other} == {"sinkhorn", None}


def test_dinov2_counts_in_the_batches_of_its_devices() -> None:
    """64 samples a device; another batch has to say what its groups are."""
    plan = compiled("dinov2")
    assert [drop.group for drop in plan.graph.drop_paths] == [64, 64]
    with pytest.raises(SpecError, match="no multiple of the group of 64"):
        compiled("dinov2", batch=96)
    freed = {"koleo__group": "null", "encoder__drop_path_group": "null"}
    plan = compiled("dinov2", batch=96, **freed)
    assert [drop.group for drop in plan.graph.drop_paths] == [None, None]


def test_dinov2_follows_the_root_of_the_batch() -> None:
    lr = compiled("dinov2", batch=512).train.lr
    assert not isinstance(lr, float)
    assert lr.params["peak"] == pytest.approx(0.004 * 0.5**0.5, rel=1e-12)


def test_barlow_twins_moves_vectors_at_their_own_rate() -> None:
    """0.2 per 256 for weights, 0.0048 per 256 for biases and norms, which do not decay."""
    (rule,) = compiled("barlow_twins").train.rules
    assert 0.2 * rule.lr_scale == pytest.approx(0.0048, rel=1e-12)
    assert rule.weight_decay == 0.0
