"""Resolved spec → train plan: steps, learning rates as used, who decays, when it pauses."""

from __future__ import annotations

from pydantic import JsonValue

from eqspec.compile.draft import GraphError
from eqspec.compile.passes.infer import checked_params
from eqspec.compile.plan import ClipPlan, RulePlan, TrainPlan
from eqspec.compile.resolve import Resolved
from eqspec.ops.find import find_op
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
    op = find_op("optimizers", optimizer.impl)
    params = checked_params(op, optimizer.params, path=("train", "optimizer"))
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
        lr=_schedule(train.schedule or recipe.schedule, peak=peak),
        weight_decay=_number(dumped.get("weight_decay", 0.0)),
        rules=tuple(_rule(rule, clock=clock) for rule in recipe.rules),
        clip=None
        if recipe.clip is None
        else ClipPlan(norm=recipe.clip.norm, over=recipe.clip.over),
    )


def _schedule(written: OpCall | None, *, peak: float) -> float | OpCall:
    if written is None:
        return peak
    op = find_op("schedules", written.impl)
    named = {"peak": peak} if "peak" in op.Params.model_fields else {}
    params = checked_params(op, {**named, **written.params}, path=("train", "schedule"))
    return OpCall(impl=written.impl, params=params.model_dump(mode="json", by_alias=True))


def _number(value: JsonValue) -> float | OpCall:
    if isinstance(value, dict):
        call = OpCall.model_validate(value)
        op = find_op("schedules", call.impl)
        params = checked_params(op, call.params, path=("train", "optimizer"))
        return OpCall(impl=call.impl, params=params.model_dump(mode="json", by_alias=True))
    assert isinstance(value, int | float), "validated by the optimizer"
    return float(value)


def _rule(rule: RuleDecl, *, clock: Clock) -> RulePlan:
    return RulePlan(
        match=(rule.match,) if isinstance(rule.match, str) else tuple(rule.match),
        weight_decay=rule.weight_decay,
        lr_scale=rule.lr_scale,
        freeze=0 if rule.freeze is None else clock.steps(rule.freeze),
    )
