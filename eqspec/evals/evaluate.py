"""Runs an evaluation of the plan on a frozen model.

The protocol is the op (`eqspec/ops/evaluations`); this module gives it what it asks for, features
of the model on the data. Which models are compared (untrained, base) is the caller's: one call of
`evaluate` for each, then `compare`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from eqspec.build.data.loader import Dataset
from eqspec.compile.types.plan import EvalPlan
from eqspec.errors import EqspecError, UsageError
from eqspec.evals.features import Subject
from eqspec.evals.images import chosen_images, encode_images
from eqspec.evals.pairs import collect
from eqspec.evals.replaced import replaced_facts
from eqspec.nn.pixels.path import Border
from eqspec.nn.readouts.image_features import ImageFeatures
from eqspec.nn.readouts.measurement import EvalProtocol, Measurement, ResultSet, Summary
from eqspec.nn.readouts.regression import PairFeatures
from eqspec.ops.find import find_evaluation
from eqspec.ops.labels import too_few, why_no_labels
from eqspec.ops.op import OpCall

Split = Literal["train", "held-out"]


@dataclass(frozen=True, slots=True)
class Bench:
    """A model and the two splits of a dataset, as evaluation ops see them.

    Features of single images are kept, so that several evaluations on one bench encode them once.

    Attributes:
        read: split → the samples that the evaluation at hand has been given features of.
    """

    subject: Subject
    train: Dataset
    held_out: Dataset
    read: dict[Split, set[int]] = field(default_factory=dict, init=False, repr=False)
    _encoded: dict[Split, ImageFeatures] = field(default_factory=dict, init=False, repr=False)

    def features(self, split: Split, *, limit: int | None) -> ImageFeatures:
        """Features of at most `limit` images of a split, in every row that the model has."""
        dataset = self._dataset(split)
        images = chosen_images(len(dataset), limit=limit)
        self._note(split, images)
        known = self._encoded.get(split)
        if known is None or len(known.images) < len(images):
            known = encode_images(self.subject, dataset, limit=limit)
            self._encoded[split] = known
        return known.taken(np.searchsorted(known.images, images))

    def pairs(
        self,
        split: Split,
        *,
        families: Mapping[str, OpCall],
        borders: tuple[Border, ...],
        rows: tuple[str, ...],
        draws: int,
        limit: int,
    ) -> PairFeatures:
        """Features of at most `limit` pairs (I, g(I)) of a split, for rows that the model has."""
        found = collect(
            self.subject,
            self._dataset(split),
            view=0 if split == "train" else 1,
            families=families,
            borders=borders,
            rows=tuple(row for row in rows if row in self.subject.rows),
            draws=draws,
            limit=limit,
        )
        self._note(split, found.images)
        return found

    def _note(self, split: Split, images: np.ndarray) -> None:
        self.read.setdefault(split, set()).update(images.tolist())

    def _dataset(self, split: Split) -> Dataset:
        return self.train if split == "train" else self.held_out


def evaluate(plan: EvalPlan, bench: Bench) -> ResultSet:
    """Return the evaluation's measurements, with the per-sample values that comparisons read.

    Args:
        plan: which protocol with which numbers.
        bench: the frozen model; regressors and probes learn from its training split alone, the
            held-out one only reports.

    Raises:
        EqspecError: data that the evaluation cannot use, or features that are not finite.
    """
    check_data(plan, train=bench.train, held_out=bench.held_out)
    op = find_evaluation(plan.impl)
    evaluation = op.build(op.Params.model_validate(plan.params))
    bench.read.clear()
    result: ResultSet = evaluation.run(bench)
    splits: dict[Split, Dataset] = {"train": bench.train, "held-out": bench.held_out}
    read = {split: (splits[split], sorted(bench.read[split])) for split in sorted(bench.read)}
    facts = {"evaluation": plan.id, "rev": plan.rev, **result.facts, **replaced_facts(read)}
    protocol = EvalProtocol(evaluation=plan.name, id=plan.id, rev=plan.rev)
    return replace(result, facts=facts).measured_by(protocol)


def check_data(plan: EvalPlan, *, train: Dataset, held_out: Dataset) -> None:
    """Looks whether an evaluation can be made on two splits.

    Raises:
        EqspecError: too few images, or no labels where they are needed, of one class, or none that
            both splits have.
    """
    few = too_few(len(train), len(held_out))
    if few is not None:
        raise EqspecError(f"`{plan.name}` {few}")
    if not find_evaluation(plan.impl).needs_labels:
        return
    wrong = why_no_labels(train, held_out, data=plan.data.name)
    if wrong is not None:
        raise EqspecError(f"`{plan.name}` needs labels, and {wrong.why}", help=wrong.help)


def compare(plan: EvalPlan, a: ResultSet, b: ResultSet) -> tuple[Measurement, ...]:
    """Return the differences `a` − `b` on the same held-out samples, with paired intervals.

    Raises:
        UsageError: the two were not measured on the same samples.
    """
    if a.facts.get("data") != b.facts.get("data"):
        raise UsageError(
            f"two results of `{plan.name}` cannot be compared: `{plan.data.name}` has changed "
            "between them",
            help="evaluate both on the same data",
        )
    return find_evaluation(plan.impl).difference(a, b)


def summary(plan: EvalPlan) -> Summary:
    """Return which measurements of an evaluation a table shows."""
    return find_evaluation(plan.impl).summary
