"""eqspec's evaluations on features in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.speed.case import Facts
from benchmarks.speed.work.features import Labelled


@dataclass(frozen=True, slots=True)
class LabelledBench:
    """Stands for an encoder whose features are known; evaluations of single images read it."""

    data: Labelled

    def features(self, split: str, *, limit: int | None):  # noqa: ANN201, ARG002 - eqspec's features
        """Return the features of a split."""
        from eqspec.nn.readouts.feature_matrix import FeatureMatrix
        from eqspec.nn.readouts.image_features import ImageFeatures

        train = split == "train"
        values = self.data.train if train else self.data.held_out
        labels = self.data.labels if train else self.data.held_out_labels
        at = np.arange(len(values))
        names = tuple(str(c) for c in range(self.data.classes))
        return ImageFeatures({"encoder": FeatureMatrix.of(values)}, labels.numpy(), names, at, at)


def evaluated(op: str, params: Mapping[str, object], bench: object, *, metric: str) -> Facts:
    """Run an evaluation; return the mean of a metric.

    Args:
        op: of the evaluation, by its file.
        metric: name of the measurements.
    """
    from eqspec.ops.find import find_evaluation

    found = find_evaluation(op)
    result = found.build(found.Params.model_validate(params)).run(bench)
    values = [m.value for m in result.measurements if m.name == metric]
    return {"top-1" if metric == "top1" else "R²": float(np.mean(values))}
