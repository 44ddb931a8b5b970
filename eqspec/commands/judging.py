"""Evaluations of a plan's model: opens the data, judges, keeps the result in the run folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.build.program import build_graph, choose_device
from eqspec.build.subject import frozen
from eqspec.compile.plan import EvalPlan, Plan
from eqspec.evals.evaluate import evaluate
from eqspec.evals.features import Subject
from eqspec.nn.scores import Result
from eqspec.ops.find import find_op
from eqspec.runs.folder import RunFolder
from eqspec.runs.results import Stored, load_result, save_result

if TYPE_CHECKING:
    from eqspec.build.data import Dataset
    from eqspec.build.graph import TrainGraph


@dataclass(frozen=True, slots=True)
class Splits:
    """The two splits of a dataset, opened."""

    train: Dataset
    held_out: Dataset


@dataclass(frozen=True, slots=True)
class Judged:
    """The result of one evaluation after some step; step 0 is the untrained encoder."""

    evaluation: EvalPlan
    step: int
    result: Result

    @classmethod
    def read(cls, folder: RunFolder, *, evaluation: EvalPlan, step: int) -> Judged | None:
        """The result that a folder holds, or None."""
        stored = load_result(folder.evaluations, name=result_name(evaluation, step=step))
        if stored is None:
            return None
        return cls(evaluation, step, Result.from_parts(stored.summary, stored.arrays))


def open_splits(plan: Plan, *, folder: Path | None) -> Splits:
    """The plan's data.

    Raises:
        EqspecError: when it is not there or cannot be read.
    """
    op = find_op("datasets", plan.data.impl)
    params = op.Params.model_validate(plan.data.params)
    return Splits(
        train=op.open(params, split="train", folder=folder),
        held_out=op.open(params, split="heldout", folder=folder),
    )


def result_name(evaluation: EvalPlan, *, step: int) -> str:
    """File name, without suffix, of an evaluation's result after a step."""
    return f"{evaluation.id}.step-{step}"


def judge_plan(
    folder: RunFolder,
    graph: TrainGraph | None,
    *,
    plan: Plan,
    evaluation: EvalPlan,
    splits: Splits,
    step: int,
) -> Judged:
    """The evaluation of a graph after a step, read from the folder when it is there already.

    Args:
        graph: trained weights; None for the encoder as it was before training.
    """
    found = Judged.read(folder, evaluation=evaluation, step=step)
    if found is not None:
        return found
    if graph is None:
        graph = build_graph(plan.graph, seed=plan.seed, device=choose_device(plan.machine.device))
    result = evaluate(
        evaluation, subject(graph, plan), train=splits.train, held_out=splits.held_out
    )
    stored = Stored(summary=result.summary(), arrays=result.arrays)
    save_result(folder.evaluations, name=result_name(evaluation, step=step), stored=stored)
    return Judged(evaluation, step, result)


def subject(graph: TrainGraph, plan: Plan) -> Subject:
    """The frozen model of a plan as evaluations see it."""
    parts = frozen(graph)
    size = next(v.size for v in plan.views.views if v.group == "global")
    return Subject(
        encoder=parts.encoder,
        prefix=parts.prefix,
        size=size,
        mean=plan.views.mean,
        std=plan.views.std,
        embedding=parts.embedding,
        split=plan.graph.split,
        device=next(graph.parameters()).device,
    )
