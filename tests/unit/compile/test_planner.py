"""What a plan holds beside its graph: provenance, training, views; and where errors point."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.compile.types.plan import Plan
from eqspec.errors import Diagnostic, SpecError
from eqspec.spec.load import parse_spec
from eqspec.spec.use import OpCall
from tests.toy_specs import PATH, plan_of, toy_plan, toy_text

RESNET = "{card: backbone, rev: 1, about: A residual network., impl: resnet, params: {depth: 18}}"


def planned(*overrides: str, method: str = "vicreg", equivariance: str = "none") -> Plan:
    text = toy_text(method, equivariance=equivariance)
    return plan_of(parse_spec(text, path=Path("toy.yaml"), overrides=overrides))


def problem(*overrides: str, method: str = "vicreg", equivariance: str = "none") -> Diagnostic:
    with pytest.raises(SpecError) as caught:
        planned(*overrides, method=method, equivariance=equivariance)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def provenance(plan: Plan, *, kind: str) -> set[str]:
    return {f"{p.family}/{p.name}" for p in plan.provenance if p.kind == kind}


def test_a_plan_says_what_it_was_made_from() -> None:
    plan = planned(equivariance=PATH)
    assert provenance(plan, kind="card") >= {
        "methods/vicreg",
        "equivariance/intermediate-reconstruction",
        "transforms/rot",
        "augmentations/all",
        "datasets/photos",
    }
    assert provenance(plan, kind="op") >= {
        "backbones/vit",
        "heads/linear",
        "decoders/pixel_decoder",
        "terms/mse",
        "transforms/solarise",
        "optimizers/adamw",
        "schedules/warmup_cosine",
    }
    assert all(len(p.sha256) == 64 and p.rev >= 1 for p in plan.provenance)


def test_a_head_is_no_schedule_though_it_has_the_name_of_one() -> None:
    """VICReg's embedding is the head `linear`; the schedule `linear` is iBOT's."""
    assert "schedules/linear" not in provenance(planned(), kind="op")
    assert "schedules/linear" in provenance(planned(method="ibot"), kind="op")
    assert "heads/linear" not in provenance(planned(method="ibot"), kind="op")


def test_the_learning_rate_follows_the_batch() -> None:
    train = planned("train.batch=64").train
    assert isinstance(train.lr, OpCall)
    assert train.lr.params["peak"] == 1e-4 * 64 / 256
    assert train.steps_per_epoch == 989 // 64
    constant = planned(
        "train.schedule={impl: constant, params: {value: 0.5}}",
        "train.optimizer={impl: adamw, params: {lr: 0.25}}",
    )
    assert constant.train.lr == OpCall(impl="constant", params={"value": 0.5})


@pytest.mark.parametrize(
    ("schedule", "params"),
    [
        ("{impl: constant}", {"value": 0.25}),
        ("{impl: cosine, params: {to: 0.0}}", {"from": 0.25, "to": 0.0}),
    ],
)
def test_a_schedule_takes_the_optimizers_learning_rate(
    schedule: str, params: dict[str, float]
) -> None:
    train = planned(
        f"train.schedule={schedule}", "train.optimizer={impl: adamw, params: {lr: 0.25}}"
    ).train
    assert isinstance(train.lr, OpCall)
    assert train.lr.params == params


def test_weight_decay_may_be_a_schedule() -> None:
    decay = planned(method="ibot").train.weight_decay
    assert isinstance(decay, OpCall)
    assert decay.impl == "cosine"
    assert decay.params["from"] == 0.04
    assert planned().train.weight_decay == 0.05


def test_rules_count_in_steps() -> None:
    plan = planned("train.batch=8", method="ibot")
    assert [(r.match, r.weight_decay, r.freeze) for r in plan.train.rules] == [
        (("bias", "ndim<2"), 0.0, 0),
        (("prototypes",), None, 989 // 8),
    ]
    assert plan.train.clip is not None
    assert (plan.train.clip.norm, plan.train.clip.over) == (3.0, "parameter")


def test_every_view_is_planned() -> None:
    plan = planned(method="ibot", equivariance=PATH[:-1] + ", border: canvas}")
    views = {(v.group, v.index): v for v in plan.views.views}
    assert list(views) == [("global", 0), ("global", 1), ("local", 0), ("local", 1)]
    assert [v.size for v in views.values()] == [32, 32, 16, 16]
    moved = views.pop(("global", 1))
    assert moved.canvas > moved.size
    assert moved.reach > 0
    assert all(v.canvas == v.size and v.reach == 0 for v in views.values())
    assert views["local", 0].steps == views["local", 1].steps, "the last way of a group repeats"
    assert views["global", 0].steps != moved.steps


def test_without_a_margin_the_canvas_is_the_view() -> None:
    views = planned(equivariance=PATH).views.views
    assert all(v.canvas == v.size for v in views)


def test_evaluations_have_ids_of_their_own() -> None:
    entry = "evaluate=[{use: r2, at: end}]"
    one, same, other, elsewhere = (
        planned(*overrides).evaluations[0].id
        for overrides in (
            (entry,),
            (entry, "seed=3", "train.length=9 steps"),
            ("evaluate=[{use: r2, at: end, with: {seeds: 1}}]",),
            (entry, "data.with.tile=64"),
        )
    )
    assert one == same
    assert len({one, other, elsewhere}) == 3


def test_evaluations_run_when_they_are_asked_to() -> None:
    plan = planned("train.length=10 steps", "evaluate=[{use: r2, every: 4 steps}]")
    assert plan.evaluations[0].steps == (4, 8)
    stops = [p.step for p in plan.timetable if p.evaluations]
    assert stops == [4, 8]
    assert plan.timetable[-1].step == 10


MICRO = "machine.micro_batches=2"


def test_batch_statistics_in_an_encoder_refuse_micro_batches() -> None:
    diagnostic = problem(f"backbone={RESNET}", MICRO)
    assert "`encoder` normalises over the whole batch" in diagnostic.message
    assert str(diagnostic.location).startswith("<cli>:--set #2:1:1")
    assert diagnostic.help is not None
    assert "`group`" in diagnostic.help


def test_groups_that_fit_into_a_micro_batch_are_exact() -> None:
    grouped = f"backbone={RESNET}".replace("18}", "18, group: GROUP}")
    assert planned(grouped.replace("GROUP", "4"), MICRO).machine.micro_batches == 2
    assert planned(grouped.replace("GROUP", "8")).machine.micro_batches == 1
    refused = problem(grouped.replace("GROUP", "8"), MICRO)
    assert "over groups of 8 samples, so 4 at a time" in refused.message


def test_what_works_sample_by_sample_takes_any_micro_batch() -> None:
    assert planned(MICRO).machine.micro_batches == 2
    assert planned(MICRO, method="ibot", equivariance=PATH).machine.micro_batches == 2


def test_groups_divide_the_batch() -> None:
    diagnostic = problem("method.with.projector.group=3")
    assert diagnostic.message == "a batch of 8 samples is no multiple of the group of 3"
    assert "group=3" in str(diagnostic.location and diagnostic.location.excerpt)


def test_an_encoder_has_the_blocks_that_are_read() -> None:
    few = "equivariance={use: ser, with: {mirrored_tokens.blocks: 3, equivariance.group: 2}}"
    diagnostic = problem(few)
    assert diagnostic.message == "`encoder` has 2 blocks to read tokens after, not 3"
    assert str(diagnostic.location).endswith("#1:1:32")
    none = problem(few, f"backbone={RESNET}")
    assert none.message == "`encoder` has 0 blocks to read tokens after, not 3"


RESNET_BODY = "{card: backbone, rev: 1, about: A network., impl: resnet, params: {depth: 18, a: 1}}"
WHERE = {
    "of a module": ("method.with.embed.widht=3", "unknown key `method.with.embed.widht`"),
    "of the backbone": (f"backbone={RESNET_BODY}", "unknown key `backbone.params.a`"),
    "of a named backbone": ("backbone={use: vit_tiny_patch16, with: {patch: 5}}", "multiples of 5"),
    "of the data": ("data.with.tile=-1", "`data.with.tile` must be"),
    "of the transform": (
        "equivariance.transform={use: rot, with: {degrees: 3}}",
        "`equivariance.transform.with.degrees` must",
    ),
    "of the augmentation": (
        "augment={use: all, with: {global.views.0.steps.0.params: {x: 1}}}",
        "unknown key `augment.with.global.views[0].steps[0].params.x`",
    ),
    "of the optimizer": (
        "train.optimizer={impl: adamw, params: {lr: 0.1, betas: [0.9]}}",
        "missing entry `train.optimizer.params.betas[1]`",
    ),
    "of a schedule": (
        "train.schedule={impl: linear, params: {from: 0}}",
        "missing key `train.schedule.params.to`",
    ),
    "of an evaluation": (
        "evaluate=[{use: r2, at: end, with: {epoch: 3}}]",
        "unknown key `evaluate[0].with.epoch`",
    ),
    "no such optimizer": ("train.optimizer={impl: adamwx}", "no op `adamwx`"),
    "no such schedule": ("train.schedule={impl: cosin}", "no op `cosin`"),
    "too large a batch": ("train.batch=1000", "does not fit into 989 training images"),
}


@pytest.mark.parametrize(("override", "expected"), WHERE.values(), ids=WHERE)
def test_an_error_points_to_what_was_written(override: str, expected: str) -> None:
    """A mistake in what a user sets is shown there, not in the card that it is set in."""
    diagnostic = problem(override, equivariance=PATH)
    assert expected in diagnostic.message
    assert diagnostic.location is not None
    assert diagnostic.location.file == "<cli>:--set #1"


def test_a_mistake_in_a_shipped_card_would_be_shown_in_its_file() -> None:
    """A ResNet takes no mask: the line is the card's, since nothing in the spec says mask."""
    text = toy_text("ibot", backbone=RESNET)
    with pytest.raises(SpecError) as caught:
        plan_of(parse_spec(text, path=Path("toy.yaml")))
    (diagnostic,) = caught.value.diagnostics
    assert "`drop_path`" in diagnostic.message
    assert diagnostic.location is not None
    assert diagnostic.location.file.endswith("methods/ibot.yaml")
    assert "mask_token" in diagnostic.location.excerpt


def test_a_named_copy_is_shown_as_it_was_written() -> None:
    """`decoder_1` is `decoder_k` in the card, `zs.trunk` is a part of `zs`."""
    diagnostic = problem("backbone.params.patch=1", equivariance=PATH)
    assert "whose side is a power of two" in diagnostic.message
    assert diagnostic.location is not None
    assert "image_k:" in diagnostic.location.excerpt


def test_the_id_is_that_of_what_trains() -> None:
    """The same numbers by another way of writing are the same recipe."""
    plan = toy_plan("vicreg", equivariance=PATH)
    assert planned("method.with.embed.width=32", equivariance=PATH).recipe == plan.recipe
    inline = (
        "equivariance.transform={card: transform, rev: 1, about: Turned again., impl: rot, "
        "params: {degrees: [-45, 45]}}"
    )
    assert planned(inline, equivariance=PATH).recipe == plan.recipe
    wider = inline.replace("45]", "44]")
    assert planned(wider, equivariance=PATH).recipe != plan.recipe
    assert planned("data.with.tile=64", equivariance=PATH).recipe != plan.recipe
