"""How well a rewrite's predictor finds a view by the representation of another and the action.

The protocol of SIE (arXiv:2302.10283, section 4): the predictor gets the representation of a view
of an image and the action that leads to another view; its prediction is ranked by cosine similarity
among the representations of the image's views. `mrr` is the mean reciprocal rank of the right view,
`h1` and `h5` how often it is among the first one and five. Details, where SIE's data or the paper
leave them open:

- View 0 is what is predicted from, for all K others; it is among the K + 1 candidates. Where the
  action is that of a path, all views are one centre crop, moved by parameters of the rewrite's own
  transform; stored views are those of the data. Where the rewrite reads its augmentation (EquiMod,
  STL), views are augmented as in training. Draws are a function of (image, draw), the same for
  every run.
- Representations are those that the predictor maps, by the rewrite's card: SIE's and EquiMod's
  projections, STL's features. Batch norms use their running statistics.
- Equally similar views count against the prediction: the rank is the number of views that are at
  least as similar as the right one.
- `mrr_all`, `h1_all`, `h5_all` rank among the views of all images.
- `error` is the squared distance of unit-length vectors, 2 − 2 cos. It is not SIE's PRE, which is
  the distance between the pose of the view that was found and the right one.
- Names that end with `_identity` are the floor of a prediction that is the representation of view 0
  whatever the action. Among an image's own views its ranks are 2 … K + 1 in any model, so that
  `mrr_identity` is a constant; `error_identity` says how far apart the views are. Other floors are
  the untrained network and a random order (`chance_mrr` among the facts).
- Two runs are compared where they predict the same task: other rewrites have other views.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from eqspec.errors import UsageError
from eqspec.nn.readouts.bootstrap import interval, resample
from eqspec.nn.readouts.measurement import (
    ENCODER,
    IMAGES,
    SOURCES,
    Measurement,
    ResultSet,
    Summary,
    difference_of,
)
from eqspec.ops.evaluation_reads import FeaturesRead
from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from eqspec.nn.readouts.predictions import Predictions
    from eqspec.ops.contract.predictor_bench import PredictorBench

rev = 1
needs_labels = False
needs_predictor = True
summary = Summary(
    title="views found by predicted representations",
    metrics={
        "mrr": "MRR",
        "h1": "H@1",
        "h5": "H@5",
        "error": "error",
        "error_identity": "error of identity",
    },
    lower=frozenset({"error", "error_identity"}),
)
tolerance = 0.02
"""Difference allowed for rounding on other hardware, which can change ranks of similar views."""

FIRST = (1, 5)
"""Numbers of views k for which H@k is reported."""

_VALUES = "values/"
"""Beginning of the names of arrays of a metric, `[n]`."""


class Params(OpParams):
    """Parameters of the protocol; the paper's values are on the card.

    Attributes:
        others: number K of views of each image that are predicted.
        heldout_images: largest number of images, a fixed choice; null for all.
        resamples: number of bootstrap resamples.
    """

    others: int = Field(ge=1)
    heldout_images: int | None = Field(None, ge=2)
    resamples: int = Field(1000, ge=1000)


example = MappingProxyType({"others": 3})


@dataclass(frozen=True, slots=True)
class PredictorRetrieval:
    """The evaluation, ready to run on a model."""

    params: Params

    def run(self, bench: PredictorBench) -> ResultSet:
        """Measure one model: its predictor, and the floor that ignores the action."""
        from eqspec.nn.readouts.retrieval import chance

        p = self.params
        found = bench.predictions("held-out", others=p.others, limit=p.heldout_images)
        predictions = {"": found.predicted, "_identity": found.views[:, :1]}
        arrays = {"images": found.images, "sources": found.sources}
        for name, predicted in predictions.items():
            values = _per_image(found, predicted.expand_as(found.predicted), device=bench.device)
            arrays |= {f"{_VALUES}{metric}{name}": one for metric, one in values.items()}
        candidates = found.views.shape[1]
        facts = {
            "heldout_images": len(found.images),
            "heldout_sources": len(np.unique(found.sources)),
            "others": candidates - 1,
            "task": found.task,
            "chance_mrr": chance(candidates),
            "chance_mrr_all": chance(candidates * len(found.images)),
            "resamples": p.resamples,
        }
        return ResultSet(tuple(_measurements(arrays, p.resamples)), facts=facts, arrays=arrays)


def reads(params: Params) -> tuple[FeaturesRead, ...]:
    """Return the views of held-out images, and their predictions."""
    drawn = {"others": params.others}
    images = params.heldout_images
    return (FeaturesRead("predicted", rows=(), train=0, heldout=images, content=drawn),)


def build(params: Params) -> PredictorRetrieval:
    """Return the evaluation with its parameters."""
    return PredictorRetrieval(params)


def difference(a: ResultSet, b: ResultSet) -> tuple[Measurement, ...]:
    """Return the metrics of `a` minus those of `b`, with paired intervals; none of other tasks.

    Raises:
        UsageError: the two were not measured on the same held-out images.
    """
    if any(a.facts.get(key) != b.facts.get(key) for key in ("task", "others")):
        return ()
    if not np.array_equal(a.arrays["images"], b.arrays["images"]):
        raise UsageError(
            "the two results cannot be compared: their images differ",
            help="evaluate both with the same protocol on the same data",
        )
    apart = {
        name: a.arrays[name] - b.arrays[name] for name in _metrics(a.arrays) if name in b.arrays
    }
    ids = {name: a.arrays[name] for name in ("images", "sources")}
    count = min(int(a.facts["resamples"]), int(b.facts["resamples"]))
    shown = (one for one in _measurements({**ids, **apart}, count) if one.name in summary.metrics)
    return tuple(_renamed(one) for one in shown)


def _per_image(
    found: Predictions, predicted: Tensor, *, device: torch.device | str
) -> dict[str, np.ndarray]:
    """Return each metric of each image, averaged over its predicted views, `[n]`."""
    from eqspec.nn.readouts.retrieval import errors, ranks_among_all, ranks_among_own

    predicted, views = predicted.to(device), found.views.to(device)
    own, of_all = ranks_among_own(predicted, views), ranks_among_all(predicted, views)
    values = {"mrr": 1 / own.double(), **{f"h{k}": (own <= k).double() for k in FIRST}}
    values |= {"error": errors(predicted, views).double(), "mrr_all": 1 / of_all.double()}
    values |= {f"h{k}_all": (of_all <= k).double() for k in FIRST}
    return {name: one.mean(dim=1).cpu().numpy() for name, one in values.items()}


def _metrics(arrays: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    return tuple(name for name in arrays if name.startswith(_VALUES))


def _measurements(arrays: Mapping[str, np.ndarray], resamples: int) -> Iterator[Measurement]:
    """Yield the mean of every metric with its 95 % intervals over images and over sources."""
    times = {IMAGES: resample(arrays["images"], resamples=resamples, op=_stream(IMAGES))}
    if len(np.unique(arrays["sources"])) > 1:
        times[SOURCES] = resample(arrays["sources"], resamples=resamples, op=_stream(SOURCES))
    for name in _metrics(arrays):
        values = arrays[name]
        yield Measurement(
            name.removeprefix(_VALUES),
            float(values.mean()),
            row=ENCODER,
            intervals=tuple(
                interval(counts @ values / counts.sum(axis=1), over=over)
                for over, counts in times.items()
            ),
            n=len(values),
        )


def _stream(over: str) -> str:
    """Return the name of the random numbers of a bootstrap."""
    return f"predictor_retrieval.bootstrap.{over}"


def _renamed(one: Measurement) -> Measurement:
    return replace(one, name=difference_of(one.name))
