"""Who decays, who moves slower, who waits: rules become parameter groups."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from eqspec.build.optimizer import build_optimizer, parameter_groups, rule_for, set_step
from eqspec.compile.types.plan import RulePlan
from eqspec.errors import SpecError
from eqspec.spec.load import parse_spec
from tests.graphs import Case
from tests.toy_specs import BACKBONE, plan_of, toy_plan, toy_text

RULES = (
    RulePlan(match=("bias", "ndim<2"), weight_decay=0.0),
    RulePlan(match=("encoder.patch_embed",), lr_scale=0.2),
    RulePlan(match=("prototypes",), freeze=3),
    RulePlan(match=("encoder",), weight_decay=0.5),
)
LARGE = BACKBONE.replace("depth: 2", "depth: 24")
MATRIX, VECTOR = nn.Parameter(torch.zeros(2, 2)), nn.Parameter(torch.zeros(2))


def test_a_later_rule_wins_where_it_says_something() -> None:
    embed = rule_for("encoder.patch_embed.proj.bias", VECTOR, RULES)
    assert (embed.weight_decay, embed.lr_scale, embed.freeze) == (0.5, 0.2, 0)
    head = rule_for("prototypes.weight_g", MATRIX, RULES)
    assert (head.weight_decay, head.lr_scale, head.freeze) == (None, 1.0, 3)
    assert rule_for("head.bias", VECTOR, RULES).weight_decay == 0.0
    assert rule_for("head.scale", VECTOR, RULES).weight_decay == 0.0


def test_a_name_matches_as_a_whole() -> None:
    assert rule_for("prototypes_k.weight", MATRIX, RULES).freeze == 0
    assert rule_for("biased.weight", MATRIX, RULES).weight_decay is None


def test_groups_hold_every_parameter_once() -> None:
    plan = toy_plan("dinov2")
    named = list(Case(plan.graph).graph().trained())
    groups = parameter_groups(named, rules=plan.train.rules)
    held = [p for group in groups for p in group["params"]]
    assert len(held) == len(named)
    assert {id(p) for p in held} == {id(p) for _, p in named}


def test_frozen_parameters_wait_and_the_others_do_not() -> None:
    plan = toy_plan("ibot")
    graph = Case(plan.graph).graph()
    optimizer = build_optimizer(plan, graph.trained())
    freeze = next(rule.freeze for rule in plan.train.rules if rule.freeze)
    before = {name: p.clone() for name, p in graph.trained()}
    for step, waits in ((freeze - 1, True), (freeze, False)):
        for _, parameter in graph.trained():
            parameter.grad = torch.ones_like(parameter)
        set_step(optimizer, step=step, lr=0.1, weight_decay=0.3)
        optimizer.step()
        for name, parameter in graph.trained():
            moved = not torch.equal(parameter, before[name])
            assert moved != (waits and name.startswith("prototypes.")), name


def test_a_step_writes_its_numbers() -> None:
    plan = toy_plan("ibot")
    optimizer = build_optimizer(plan, Case(plan.graph).graph().trained())
    set_step(optimizer, step=0, lr=0.5, weight_decay=0.3)
    written = {(g["lr"], g["weight_decay"]) for g in optimizer.param_groups}
    assert written == {(0.5, 0.3), (0.5, 0.0)}


def test_a_last_layer_at_rate_zero_stands_while_its_moments_gather() -> None:
    """DINOv2's way; iBOT's, without gradients, leaves no moments behind."""
    plan = toy_plan("dinov2")
    graph = Case(plan.graph).graph()
    optimizer = build_optimizer(plan, graph.trained())
    head = dict(graph.trained())["prototypes.weight_v"]
    before = head.clone()
    for _, parameter in graph.trained():
        parameter.grad = torch.ones_like(parameter)
    for step in (0, 1249):
        set_step(optimizer, step=step, lr=0.1, weight_decay=0.3)
        optimizer.step()
    assert torch.equal(head, before)
    gathered = optimizer.state[head]["exp_avg"]
    assert torch.allclose(gathered, torch.full_like(head, 1 - 0.9**2))
    set_step(optimizer, step=1250, lr=0.1, weight_decay=0.3)
    optimizer.step()
    assert not torch.equal(head, before)


def test_learning_rates_of_dinov2_decay_from_the_last_norm_to_the_embeddings() -> None:
    """As the released code gives for a ViT-L, whose parameters are named otherwise."""
    plan = toy_plan("dinov2", backbone=LARGE)
    scale = {
        name: rule_for(f"encoder.{name}", MATRIX, plan.train.rules).lr_scale
        for name in (
            "patch_embed.proj.weight",
            "cls_token",
            "pos_embed",
            "mask_token",
            "blocks.0.attn.qkv.weight",
            "blocks.2.mlp.fc1.weight",
            "blocks.23.ls1.gamma",
            "norm.weight",
        )
    }
    assert [f"{value:.5g}" for value in scale.values()] == [
        "0.014358",
        *["0.07179"] * 3,
        "0.079766",
        "0.098477",
        "0.9",
        "1",
    ]
    assert rule_for("prototypes.weight_v", MATRIX, plan.train.rules).lr_scale == 1.0


def test_every_layer_of_an_encoder_is_in_one_group() -> None:
    plan = toy_plan("dinov2")
    decays = [rule for rule in plan.train.rules if rule.lr_scale not in {1.0, 0.2}]
    assert [round(rule.lr_scale, 4) for rule in decays] == [0.729, 0.81, 0.9]  # two blocks
    for name, parameter in Case(plan.graph).graph().students["encoder"].named_parameters():
        found = [
            rule for rule in decays if rule_for(f"encoder.{name}", parameter, [rule]).lr_scale < 1.0
        ]
        assert len(found) == (0 if name.startswith("norm.") else 1), name


def test_a_module_without_layers_has_no_decay_by_layer() -> None:
    text = toy_text("dinov2").replace(
        "local.count: 2,", "local.count: 2, recipe.rules.1.match: trunk,"
    )
    with pytest.raises(SpecError, match="`trunk` has no layers"):
        plan_of(parse_spec(text, path=Path("dinov2.yaml")))
