"""Effective rank of frozen features, and whether they have collapsed.

The effective rank of the features of held-out images: exp(H(p)), where H is Shannon's entropy and p
the singular values of the centred `[n, D]` feature matrix divided by their sum (Roy and Vetterli,
EUSIPCO 2007; RankMe, arXiv:2210.02885, without centring). Between 1 and min(n − 1, D); 0 if all
features are equal up to rounding.

*Collapsed* means below a quarter of the effective rank of the same encoder before training, on the
same images. The table shows both numbers, with this word beside the collapsed one.

Rows: `encoder` (class token and mean patch), `z_inv`, `z_equi` (pooled parts of the embedding).
Values for different numbers of images or features are not comparable; the facts state both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from eqspec.errors import UsageError
from eqspec.nn.readouts.measurement import Measurement, ResultSet, Summary, difference_of
from eqspec.ops.evaluation_reads import FeaturesRead
from eqspec.ops.feature_rows import ROWS, Row
from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    from eqspec.nn.readouts.image_features import FeatureBench

rev = 1
needs_labels = False
summary = Summary(
    title="how many directions encoder features use",
    metrics={"effective_rank": "effective rank"},
    digits=1,
    floor=(0.25, "collapsed"),
)
tolerance = 1e-4
"""Relative difference allowed for rounding on other hardware. Changes of 1e-7 in the weights of an
encoder changed the value by a relative 2e-8."""


class Params(OpParams):
    """Parameters of the protocol.

    Attributes:
        images: largest number of held-out images, a fixed choice.
        rows: names of the features; those that the model lacks are left out.
    """

    images: int = Field(ge=2)
    rows: tuple[Row, ...] = Field(ROWS, min_length=1)


example = MappingProxyType({"images": 20, "rows": ["encoder"]})


@dataclass(frozen=True, slots=True)
class EffectiveRank:
    """The evaluation, ready to run on a model."""

    params: Params

    def run(self, bench: FeatureBench) -> ResultSet:
        """Measure one model: the effective rank of every row."""
        from eqspec.nn.readouts.effective_rank import effective_rank

        held_out = bench.features("held-out", limit=self.params.images)
        rows = [row for row in self.params.rows if row in held_out.rows]
        facts = {
            "heldout_images": len(held_out.images),
            "heldout_sources": len(np.unique(held_out.sources)),
            "features": {row: held_out.rows[row].width for row in rows},
        }
        return ResultSet(
            measurements=tuple(
                Measurement(
                    "effective_rank",
                    effective_rank(held_out.rows[row].whole()),
                    unit="directions",
                    row=row,
                    n=len(held_out.images),
                )
                for row in rows
            ),
            facts=facts,
            arrays={"images": held_out.images},
        )


def reads(params: Params) -> tuple[FeaturesRead, ...]:
    """Return the pooled features of held-out images."""
    return (FeaturesRead("pooled", rows=params.rows, train=0, heldout=params.images),)


def build(params: Params) -> EffectiveRank:
    """Return the evaluation with its parameters."""
    return EffectiveRank(params)


def difference(a: ResultSet, b: ResultSet) -> tuple[Measurement, ...]:
    """Return the effective rank of `a` minus that of `b`.

    It has no interval, since a bootstrap resample has a lower rank.

    Raises:
        UsageError: the two were not measured on the same held-out images.
    """
    if not np.array_equal(a.arrays["images"], b.arrays["images"]):
        raise UsageError(
            "the two results cannot be compared: their images differ",
            help="evaluate both with the same protocol on the same data",
        )
    of_b = {m.key: m.value for m in b.measurements}
    return tuple(
        replace(m, name=difference_of(m.name), value=m.value - of_b[m.key])
        for m in a.measurements
        if m.key in of_b
    )
