"""Checks that evaluations can be trained, before anything else is trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eqspec.commands.planning.fine_tune_data import known_data
from eqspec.compile.evaluation_stages import trains
from eqspec.compile.fine_tune import FineTuneData, fine_tune_plan, parts
from eqspec.compile.rules.evaluation_locations import evaluation_location
from eqspec.errors import Diagnostic, EqspecError, SpecError
from eqspec.ops.find import find_evaluation
from eqspec.registry.catalog import open_catalog
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from eqspec.commands.planning.data_locations import DataLocations
    from eqspec.compile.types.plan import EvalPlan, Plan
    from eqspec.spec.source import Source


def fine_tuning_problems(
    plan: Plan, source: Source, *, locations: DataLocations
) -> Iterator[Diagnostic]:
    """Yield why evaluations of a plan cannot be trained, at their location in the spec.

    Args:
        source: of the spec.
        locations: of datasets; where the data are not known, everything else is checked.
    """
    for at, evaluation in enumerate(plan.evaluations):
        if not trains(evaluation):
            continue
        data = known_data(plan, evaluation, locations=locations)
        if data is not None and (message := batch_problem(evaluation, data=data)) is not None:
            key = batch_key(evaluation)
            yield Diagnostic(
                "EQ021",
                message,
                evaluation_location(source, at=at, key=key),
                help=batch_help(data, setting=f"evaluate.{at}.with.{key}"),
            )
            continue
        assumed = data or FineTuneData(images=_batch(evaluation), classes=2)
        try:
            fine_tune_plan(plan, evaluation, data=assumed, init=None, catalog=open_catalog())
        except SpecError as error:
            yield from (
                Diagnostic(
                    one.code,
                    f"`{evaluation.name}` cannot be trained: {one.message}",
                    evaluation_location(source, at=at),
                    help="change the evaluation's `with:`, or the encoder",
                )
                for one in error.diagnostics
            )


def require_batch(evaluation: EvalPlan, data: FineTuneData) -> None:
    """Refuse an evaluation whose batch exceeds the images that it trains on.

    Raises:
        EqspecError: with the greatest batch that is possible.
    """
    if (message := batch_problem(evaluation, data=data)) is not None:
        most = f"at most {data.images}" if data.images >= _LEAST_BATCH else "no more than there are"
        key = batch_key(evaluation)
        raise EqspecError(message, help=f"set `{key}` in the `with:` of that evaluation: {most}")


def batch_problem(evaluation: EvalPlan, *, data: FineTuneData) -> str | None:
    """Return a message if the batch of an evaluation's training exceeds its images, else None."""
    batch = _batch(evaluation)
    if batch <= data.images:
        return None
    images = counted(data.images, "image")
    share = parts(evaluation, classes=data.classes).held_back
    left_out = f", with {share:.0%} left out to choose on" if share else ""
    return (
        f"`{evaluation.name}` trains with a batch of {batch:,}, and there are {images} of "
        f"`{evaluation.data.name}` to train on{left_out}"
    )


def batch_key(evaluation: EvalPlan) -> str:
    """Return the parameter of an evaluation with the images per step of its training."""
    return find_evaluation(evaluation.impl).batch_at


def batch_help(data: FineTuneData, *, setting: str) -> str:
    """Return the setting with which an evaluation can be trained."""
    if data.images < _LEAST_BATCH:
        return "train on more images: --data DIR"
    return f"choose at most {data.images}: --set {setting}={data.images}"


_LEAST_BATCH = 2


def _batch(evaluation: EvalPlan) -> int:
    batch = parts(evaluation, classes=2).train["batch"]
    assert isinstance(batch, int), "a training has a number of images per step"
    return batch
