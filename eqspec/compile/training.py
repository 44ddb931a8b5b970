"""The train plan of a resolved spec: steps, learning rate, weight decay, rules and clipping."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from eqspec.compile.lookup.ops import checked_number, checked_params, op_in_use
from eqspec.compile.lookup.resolve import Resolved
from eqspec.compile.types.error import GraphError
from eqspec.compile.types.graph import ModulePlan
from eqspec.compile.types.plan import ClipPlan, RulePlan, TrainPlan
from eqspec.ops.find import find_module, find_optimizer
from eqspec.registry.grammar import ClipDecl, RuleDecl
from eqspec.spec.duration import Clock
from eqspec.spec.node import KeyPath
from eqspec.spec.numbers import NotNegative
from eqspec.spec.phrases import counted
from eqspec.spec.use import OpCall

NO_TRAINING = TrainPlan(
    steps=0,
    steps_per_epoch=0,
    batch=0,
    precision="fp32",
    optimizer=None,
    lr=0.0,
    weight_decay=0.0,
)
"""Train plan of a spec that only evaluates published weights."""


def training_clock(resolved: Resolved, *, count: int) -> Clock:
    """Return the steps of the training and of an epoch, without the last incomplete batch.

    Where nothing is trained, all of it is zero.

    Raises:
        GraphError: when the data does not fill one batch.
    """
    if resolved.spec.train is None:
        return Clock(total=0, steps_per_epoch=0, batch=0)
    train = resolved.train
    per_epoch = count // train.batch
    if per_epoch == 0:
        images = counted(count, "training image")
        raise GraphError(
            ("train", "batch"),
            f"a batch of {train.batch:,} does not fit into {images}",
            help=f"choose at most {count}" if count > 1 else "train on more images: --data DIR",
            code="EQ021",
        )
    return Clock.lasting(train.length, steps_per_epoch=per_epoch, batch=train.batch)


def plan_training(resolved: Resolved, *, clock: Clock, modules: Sequence[ModulePlan]) -> TrainPlan:
    """The train plan.

    Args:
        modules: what is trained.

    Raises:
        GraphError: when there is no optimizer, or parameters or rules are not legal.
    """
    if resolved.spec.train is None:
        return NO_TRAINING
    train, recipe = resolved.train, resolved.method.recipe
    optimizer = train.optimizer.call if train.optimizer else recipe.optimizer
    if optimizer is None:
        raise GraphError(
            ("train",), "the method has no optimizer of its own", help="add `optimizer:`"
        )
    at = ("recipe" if train.optimizer is None else "train", "optimizer")
    op = op_in_use(find_optimizer, optimizer.impl, path=at)
    params = checked_params(op.Params, optimizer.params, path=at)
    dumped: dict[str, JsonValue] = params.model_dump(mode="json", by_alias=True)
    peak = params.lr.at(clock.batch)
    return TrainPlan(
        steps=clock.total,
        steps_per_epoch=clock.steps_per_epoch,
        batch=clock.batch,
        precision=train.precision,
        optimizer=OpCall(impl=optimizer.impl, params=dumped),
        lr=checked_number(
            _schedule(resolved) or peak,
            legal=NotNegative,
            path=("recipe" if train.schedule is None else "train", "schedule"),
            rate=peak,
        ),
        weight_decay=checked_number(
            _number(dumped.get("weight_decay", 0.0)),
            legal=NotNegative,
            path=(*at, "params", "weight_decay"),
        ),
        rules=tuple(
            planned
            for at, rule in enumerate(recipe.rules)
            for planned in _rules(
                rule, clock=clock, modules=modules, path=("recipe", "rules", at, "layer_decay")
            )
        ),
        clip=None if recipe.clip is None else _clip(recipe.clip),
    )


def _schedule(resolved: Resolved) -> OpCall | None:
    """The spec's own, or the recipe's."""
    own = resolved.train.schedule
    return own.call if own else resolved.method.recipe.schedule


def _number(value: JsonValue) -> float | OpCall:
    if isinstance(value, dict):
        return OpCall.model_validate(value)
    assert isinstance(value, int | float), "validated by the optimizer"
    return float(value)


def _clip(clip: ClipDecl) -> ClipPlan:
    return ClipPlan(norm=clip.norm, over=clip.over, joined=tuple(map(tuple, clip.joined)))


def _rules(
    rule: RuleDecl, *, clock: Clock, modules: Sequence[ModulePlan], path: KeyPath
) -> tuple[RulePlan, ...]:
    """The rule, and one more for each layer whose learning rate decays."""
    match = (rule.match,) if isinstance(rule.match, str) else tuple(rule.match)
    planned = RulePlan(
        match=match,
        weight_decay=rule.weight_decay,
        lr_scale=rule.lr_scale,
        freeze=0 if rule.freeze is None else clock.steps(rule.freeze),
        freeze_by=rule.freeze_by,
    )
    if rule.layer_decay is None:
        return (planned,)
    layers = [layer for name in match for layer in _layers(name, modules=modules, path=path)]
    return (
        planned,
        *(RulePlan(match=parts, lr_scale=rule.layer_decay**below) for parts, below in layers),
    )


def _layers(
    name: str, *, modules: Sequence[ModulePlan], path: KeyPath
) -> tuple[tuple[tuple[str, ...], int], ...]:
    """The parts of a module's layers, each with how many layers lie above it."""
    module = next((m for m in modules if m.name == name), None)
    layers = () if module is None else _layers_of(module)
    if not layers:
        raise GraphError(
            path,
            f"`{name}` has no layers over which a learning rate could decay",
            help="name a module whose op counts its layers, such as a `vit`",
        )
    return tuple(
        (tuple(f"{name}.{part}" for part in parts), len(layers) - 1 - at)
        for at, parts in enumerate(layers)
        if at < len(layers) - 1
    )


def _layers_of(module: ModulePlan) -> tuple[tuple[str, ...], ...]:
    op = find_module(module.family, module.impl)
    return op.layers(op.Params.model_validate(module.params))
