"""How many directions frozen features use, and whether they have collapsed.

The effective rank of the features of held-out images: exp(H(p)), where H is Shannon's entropy and p
the singular values of the centred `[n, D]` feature matrix divided by their sum (Roy and Vetterli,
EUSIPCO 2007; RankMe, arXiv:2210.02885, leaves out the centring). Between 1 and min(n − 1, D); it
is 0 when all features are equal up to rounding.

*Collapsed* means: below a quarter of the effective rank of the same encoder before training, on the
same images. Both numbers are in the table, the word beside the one it is said of.

Rows: `encoder` (class token and mean patch), `z_inv`, `z_equi` (pooled parts of the embedding).
Numbers from different numbers of images or of features are not comparable; both are in the facts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from eqspec.errors import UsageError
from eqspec.nn.readouts.measurement import Measurement, ResultSet, Summary, difference_of
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
"""By how much of itself the number may differ where other hardware rounds differently. Changes of
1e-7 in the weights of an encoder moved it by 2e-8 of itself."""


class Params(OpParams):
    """The protocol's numbers.

    Attributes:
        images: at most so many held-out ones, a fixed choice.
        rows: which features; those that the model lacks are left out.
    """

    images: int = Field(ge=2)
    rows: tuple[Row, ...] = Field(ROWS, min_length=1)


example = MappingProxyType({"images": 20, "rows": ["encoder"]})


@dataclass(frozen=True, slots=True)
class EffectiveRank:
    """The evaluation, ready to run on a model."""

    params: Params

    def run(self, bench: FeatureBench) -> ResultSet:
        """Measures one model: the effective rank of every row."""
        from eqspec.nn.readouts.effective_rank import effective_rank

        held = bench.features("held-out", limit=self.params.images)
        rows = [row for row in self.params.rows if row in held.rows]
        facts = {
            "heldout_images": len(held.images),
            "heldout_sources": len(np.unique(held.sources)),
            "features": {row: held.rows[row].width for row in rows},
        }
        return ResultSet(
            measurements=tuple(
                Measurement(
                    "effective_rank",
                    effective_rank(held.rows[row].whole()),
                    unit="directions",
                    row=row,
                    n=len(held.images),
                )
                for row in rows
            ),
            facts=facts,
            arrays={"images": held.images},
        )


def build(params: Params) -> EffectiveRank:
    """The evaluation with its parameters."""
    return EffectiveRank(params)


def difference(a: ResultSet, b: ResultSet) -> tuple[Measurement, ...]:
    """Effective rank of `a` less that of `b`, without an interval: a resample has fewer directions.

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
