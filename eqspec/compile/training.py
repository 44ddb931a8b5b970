"""Resolved spec → train plan: steps, learning rates as used, who decays, when it pauses."""

from __future__ import annotations

from pydantic import JsonValue

from eqspec.compile.draft import GraphError
from eqspec.compile.ops_in_use import checked_number, checked_params, op_in_use
from eqspec.compile.plan import ClipPlan, RulePlan, TrainPlan
from eqspec.compile.resolve import Resolved
from eqspec.registry.grammar import RuleDecl
from eqspec.spec.duration import Clock
from eqspec.spec.rate import Rate
from eqspec.spec.use import OpCall


def training_clock(resolved: Resolved, *, count: int) -> Clock:
    """Steps of the training and of an epoch; the last incomplete batch of a pass is dropped.

    Raises:
        GraphError: when the data does not fill one batch.
    """
    train = resolved.spec.train
    per_epoch = count // train.batch
    if per_epoch == 0:
        raise GraphError(
            ("train", "batch"),
            f"a batch of {train.batch} does not fit into {count} training images",
            help=f"choose at most {count}",
        )
    return Clock.lasting(train.length, steps_per_epoch=per_epoch, batch=train.batch)


def plan_training(resolved: Resolved, *, clock: Clock) -> TrainPlan:
    """The train plan.

    Raises:
        GraphError: when there is no optimizer, or parameters are not legal.
    """
    train, recipe = resolved.spec.train, resolved.method.recipe
    optimizer = train.optimizer or recipe.optimizer
    if optimizer is None:
        raise GraphError(
            ("train",), "the method has no optimizer of its own", help="add `optimizer:`"
        )
    at = ("recipe" if train.optimizer is None else "train", "optimizer")
    op = op_in_use("optimizers", optimizer.impl, path=at)
    params = checked_params(op, optimizer.params, path=at)
    dumped: dict[str, JsonValue] = params.model_dump(mode="json", by_alias=True)
    rate = getattr(params, "lr", None)
    assert isinstance(rate, Rate), "every optimizer op has a learning rate"
    peak = rate.at(clock.batch)
    return TrainPlan(
        steps=clock.total,
        steps_per_epoch=clock.steps_per_epoch,
        batch=clock.batch,
        precision=train.precision,
        optimizer=OpCall(impl=optimizer.impl, params=dumped),
        lr=checked_number(
            train.schedule or recipe.schedule or peak,
            path=("recipe" if train.schedule is None else "train", "schedule"),
            known={"peak": peak},
        ),
        weight_decay=checked_number(
            _number(dumped.get("weight_decay", 0.0)), path=(*at, "params", "weight_decay")
        ),
        rules=tuple(_rule(rule, clock=clock) for rule in recipe.rules),
        clip=None
        if recipe.clip is None
        else ClipPlan(norm=recipe.clip.norm, over=recipe.clip.over),
    )


def _number(value: JsonValue) -> float | OpCall:
    if isinstance(value, dict):
        return OpCall.model_validate(value)
    assert isinstance(value, int | float), "validated by the optimizer"
    return float(value)


def _rule(rule: RuleDecl, *, clock: Clock) -> RulePlan:
    return RulePlan(
        match=(rule.match,) if isinstance(rule.match, str) else tuple(rule.match),
        weight_decay=rule.weight_decay,
        lr_scale=rule.lr_scale,
        freeze=0 if rule.freeze is None else clock.steps(rule.freeze),
    )
