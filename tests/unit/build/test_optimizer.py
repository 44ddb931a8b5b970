"""Who decays, who moves slower, who waits: rules become parameter groups."""

from __future__ import annotations

import torch
from torch import nn

from eqspec.build.optimizer import build_optimizer, parameter_groups, rule_for, set_step
from eqspec.compile.plan import RulePlan
from tests.graphs import Case
from tests.toys import toy_plan

RULES = (
    RulePlan(match=("bias", "ndim<2"), weight_decay=0.0),
    RulePlan(match=("encoder.patch_embed",), lr_scale=0.2),
    RulePlan(match=("prototypes",), freeze=3),
    RulePlan(match=("encoder",), weight_decay=0.5),
)
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
    plan = toy_plan("dinov2")
    optimizer = build_optimizer(plan, Case(plan.graph).graph().trained())
    set_step(optimizer, step=0, lr=0.5, weight_decay=0.3)
    written = {(g["lr"], g["weight_decay"]) for g in optimizer.param_groups}
    assert written == {(0.5, 0.3), (0.5, 0.0), (0.1, 0.3), (0.1, 0.0)}
