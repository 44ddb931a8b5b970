"""Runs an evaluation of the plan on a frozen model.

The protocol is the op (`eqspec/ops/evaluations`); this module gives it what it asks for, features
of the model on the data. Which models are compared (untrained, base) is the caller's: one call of
`evaluate` for each, then `compare`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from eqspec.build.data import Dataset
from eqspec.compile.plan import EvalPlan
from eqspec.errors import EqspecError
from eqspec.evals.features import Subject
from eqspec.evals.pairs import collect
from eqspec.nn.regression import PairFeatures
from eqspec.nn.scores import Metric, Result
from eqspec.ops.find import find_op
from eqspec.ops.op import OpCall


@dataclass(frozen=True, slots=True)
class Bench:
    """A model and the two splits of a dataset, as evaluation ops see them."""

    subject: Subject
    train: Dataset
    held_out: Dataset

    def pairs(
        self,
        split: Literal["train", "held-out"],
        *,
        families: Mapping[str, OpCall],
        borders: tuple[str, ...],
        rows: tuple[str, ...],
        draws: int,
        limit: int,
    ) -> PairFeatures:
        """Features of at most `limit` pairs (I, g(I)) of a split, for rows that the model has."""
        return collect(
            self.subject,
            self.train if split == "train" else self.held_out,
            view=0 if split == "train" else 1,
            families=families,
            borders=borders,
            rows=tuple(row for row in rows if row in self.subject.rows),
            draws=draws,
            limit=limit,
        )


def evaluate(plan: EvalPlan, subject: Subject, *, train: Dataset, held_out: Dataset) -> Result:
    """The evaluation's metrics, and the per-sample values by which two models can be compared.

    Args:
        plan: which protocol with which numbers.
        subject: the frozen model.
        train: images that regressors and probes may learn from.
        held_out: images that only report.

    Raises:
        EqspecError: too few images, or features that are not finite.
    """
    if len(train) < 2 or len(held_out) < 2:
        raise EqspecError(
            f"`{plan.name}` needs at least 2 images to learn from and 2 held-out ones; "
            f"there are {len(train)} and {len(held_out)}"
        )
    op = find_op("evaluations", plan.impl)
    evaluation = op.build(op.Params.model_validate(plan.params))
    result: Result = evaluation.run(Bench(subject=subject, train=train, held_out=held_out))
    return replace(result, facts={"evaluation": plan.id, "rev": plan.rev, **result.facts})


def compare(plan: EvalPlan, a: Result, b: Result) -> tuple[Metric, ...]:
    """What `a` scores above `b` on the same held-out samples, with paired intervals.

    Raises:
        UsageError: the two were not measured on the same samples.
    """
    return find_op("evaluations", plan.impl).difference(a, b)
