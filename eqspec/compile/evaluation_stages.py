"""The stages of evaluations: from what their ops declare, and shared by several of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import JsonValue

from eqspec.compile.identity import data_numbers, hashed
from eqspec.compile.types.error import GraphError
from eqspec.compile.types.stages import (
    EvaluationStage,
    FeaturesStage,
    FineTuneStage,
    ReadoutStage,
)
from eqspec.ops.feature_rows import CLASS_ALONE
from eqspec.ops.find import find_evaluation
from eqspec.ops.targets.kinds import TargetKind

if TYPE_CHECKING:
    from eqspec.compile.types.graph import GraphPlan
    from eqspec.compile.types.plan import DataPlan, EvalPlan
    from eqspec.ops.contract.evaluation import EvaluationOp
    from eqspec.ops.evaluation_reads import FeaturesRead
    from eqspec.ops.fine_tuning import FineTune
    from eqspec.ops.op import OpParams


def planned_stages(
    op: EvaluationOp, params: OpParams, *, data: DataPlan
) -> tuple[EvaluationStage, ...]:
    """Return the stages of an evaluation, features first.

    Args:
        params: of the op.
        data: that it reads.
    """
    labels = (TargetKind.LABEL,) if op.needs_labels else ()
    targets = (*labels, *op.targets)
    control = op.trained_control(params)
    training: tuple[FineTuneStage, ...] = ()
    if op.trains or control is not None:
        stated = op.fine_tune(params, classes=data.classes) if data.classes or not targets else None
        training = (_training(stated, targets=targets, classes=data.classes, control=control),)
    if op.trains:
        return training
    read = tuple(_features(one, data=data) for one in op.reads(params))
    readout = ReadoutStage(features=tuple(one.id for one in read), targets=targets)
    return (*read, readout, *training)


def _training(
    stated: FineTune | None, *, targets: tuple[TargetKind, ...], classes: int, control: str | None
) -> FineTuneStage:
    """Return the stage of a training; None where only the images tell its parts."""
    if stated is None:
        return FineTuneStage(targets=targets, control=control)
    return FineTuneStage(
        targets=targets,
        held_back=stated.held_back,
        classes=classes,
        method=dict(stated.method),
        augment=dict(stated.augment),
        train=dict(stated.train),
        equivariance=None if stated.equivariance is None else dict(stated.equivariance),
        control=control,
    )


def _features(read: FeaturesRead, *, data: DataPlan) -> FeaturesStage:
    """Return a stage; pooled features of fewer images are a part of those of more."""
    determined: dict[str, JsonValue] = {
        "form": read.form,
        "content": dict(read.content),
        "data": {"name": data.name, "params": data_numbers(data.impl, data.params)},
    }
    if read.form != "pooled":
        determined |= {"rows": list(read.rows), "images": [read.train, read.heldout]}
    return FeaturesStage(
        id=f"{read.form}-{hashed(determined)[:8]}",
        form=read.form,
        data=data.name,
        rows=read.rows,
        train=read.train,
        heldout=read.heldout,
        vectors=read.vectors,
        content=dict(read.content),
    )


def stages_of(evaluation: EvalPlan) -> tuple[EvaluationStage, ...]:
    """Return the stages of an evaluation, also of one that was planned before there were any."""
    if evaluation.stages:
        return evaluation.stages
    op = find_evaluation(evaluation.impl)
    return planned_stages(op, op.Params.model_validate(evaluation.params), data=evaluation.data)


def fine_tuning(evaluation: EvalPlan) -> FineTuneStage | None:
    """Return the training of an evaluation; None for one that trains nothing."""
    found = (stage for stage in stages_of(evaluation) if isinstance(stage, FineTuneStage))
    return next(found, None)


def trained_states(evaluation: EvalPlan, *, step: int) -> tuple[str | None, ...]:
    """Return what an evaluation trains for its results after a step.

    None is the encoder after that step, a name is that control; there are controls at step 0 alone.
    """
    stage = fine_tuning(evaluation)
    if stage is None:
        return ()
    controls = evaluation.controls if step == 0 else ()
    if stage.control is None:
        return (None, *controls)
    return tuple(control for control in controls if control == stage.control)


def trains(evaluation: EvalPlan) -> bool:
    """Whether an evaluation has a training of its own."""
    return fine_tuning(evaluation) is not None


def shared_features(
    evaluations: Iterable[EvalPlan],
) -> dict[str, tuple[FeaturesStage, tuple[str, ...]]]:
    """Return id → features of all images that are read, and the names of their readers."""
    found: dict[str, tuple[FeaturesStage, tuple[str, ...]]] = {}
    for evaluation in evaluations:
        for stage in stages_of(evaluation):
            if not isinstance(stage, FeaturesStage):
                continue
            known, readers = found.get(stage.id, (stage, ()))
            found[stage.id] = _united(known, stage), (*readers, evaluation.name)
    return found


def _united(a: FeaturesStage, b: FeaturesStage) -> FeaturesStage:
    return a.model_copy(
        update={
            "rows": tuple(dict.fromkeys((*a.rows, *b.rows))),
            "train": most_images(a.train, b.train),
            "heldout": most_images(a.heldout, b.heldout),
        }
    )


def most_images(*limits: int | None) -> int | None:
    """Return the largest of some numbers of images, of which None is all of them."""
    known = [limit for limit in limits if limit is not None]
    return max(known) if len(known) == len(limits) else None


def check_predictors(evaluations: Iterable[EvalPlan], graph: GraphPlan) -> None:
    """Refuse evaluations of a predictor that no term of the graph depends on.

    Raises:
        GraphError: for the first of them.
    """
    for at, evaluation in enumerate(evaluations):
        if graph.predictor is None and find_evaluation(evaluation.impl).needs_predictor:
            raise GraphError(
                ("evaluate", at),
                f"`{evaluation.name}` reads predictions, and no term depends on the predictor",
                help="leave the evaluation out, or keep the terms of the rewrite",
                code="EQ024",
            )


def check_class_tokens(evaluations: Iterable[EvalPlan], graph: GraphPlan) -> None:
    """Refuse evaluations of class tokens alone where the encoder has none.

    Raises:
        GraphError: for the first of them.
    """
    backbone = next(m for m in graph.modules if m.family == "backbones")
    if backbone.output.prefix:
        return
    for at, evaluation in enumerate(evaluations):
        for stage in stages_of(evaluation):
            if isinstance(stage, FeaturesStage) and set(stage.rows) == {CLASS_ALONE}:
                raise GraphError(
                    ("evaluate", at),
                    f"`{evaluation.name}` reads class tokens, and the encoder has none",
                    help="use an evaluation of pooled features, such as `knn`",
                )
