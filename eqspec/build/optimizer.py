"""Parameter groups and the optimizer: weight decay, scales of the learning rate, freezing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from eqspec.compile.types.plan import Plan, RulePlan
from eqspec.ops.find import find_optimizer


@dataclass(frozen=True, slots=True)
class ParameterRule:
    """Settings of one parameter after all rules."""

    weight_decay: float | None
    lr_scale: float
    freeze: int
    freeze_by: str


def rule_for(name: str, parameter: nn.Parameter, rules: Iterable[RulePlan]) -> ParameterRule:
    """Return the settings of a parameter; of several rules that match, the later wins per field."""
    found = ParameterRule(weight_decay=None, lr_scale=1.0, freeze=0, freeze_by="gradient")
    for rule in rules:
        if any(_matches(name, parameter, pattern) for pattern in rule.match):
            found = ParameterRule(
                weight_decay=found.weight_decay if rule.weight_decay is None else rule.weight_decay,
                lr_scale=found.lr_scale * rule.lr_scale,
                freeze=max(found.freeze, rule.freeze),
                freeze_by=rule.freeze_by if rule.freeze else found.freeze_by,
            )
    return found


def _matches(name: str, parameter: nn.Parameter, pattern: str) -> bool:
    match pattern:
        case "bias":
            return name.endswith(".bias")
        case "ndim<2":
            return parameter.ndim < 2
        case "norm" | "gamma":
            return pattern in name
        case _:
            return name == pattern or name.startswith(f"{pattern}.")


def parameter_groups(
    named: Iterable[tuple[str, nn.Parameter]], *, rules: Iterable[RulePlan]
) -> list[dict[str, object]]:
    """Return torch's parameter groups, one per distinct rule, in order of first appearance.

    Each group has `lr_scale`, `decay` (None: the scheduled weight decay), `freeze` (steps) and
    `freeze_by`.
    """
    groups: dict[ParameterRule, list[nn.Parameter]] = {}
    written = tuple(rules)
    for name, parameter in named:
        groups.setdefault(rule_for(name, parameter, written), []).append(parameter)
    return [
        {
            "params": members,
            "lr_scale": r.lr_scale,
            "decay": r.weight_decay,
            "freeze": r.freeze,
            "freeze_by": r.freeze_by,
        }
        for r, members in groups.items()
    ]


def build_optimizer(plan: Plan, named: Iterable[tuple[str, nn.Parameter]]) -> torch.optim.Optimizer:
    """Build the plan's optimizer for these parameters."""
    assert plan.train.optimizer is not None, "a plan that trains has one"
    op = find_optimizer(plan.train.optimizer.impl)
    groups = parameter_groups(named, rules=plan.train.rules)
    params = op.Params.model_validate(plan.train.optimizer.params)
    return op.build(params, groups)


def set_step(
    optimizer: torch.optim.Optimizer, *, step: int, lr: float, weight_decay: float
) -> None:
    """Set this step's numbers in the groups; frozen parameters lose gradient or rate."""
    for group in optimizer.param_groups:
        frozen = step < group["freeze"]
        group["lr"] = 0.0 if frozen and group["freeze_by"] == "lr" else lr * group["lr_scale"]
        group["weight_decay"] = weight_decay if group["decay"] is None else group["decay"]
        if frozen and group["freeze_by"] == "gradient":
            for parameter in group["params"]:
                parameter.grad = None
