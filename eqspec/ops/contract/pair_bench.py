"""Interface of a model and its data for evaluations of image pairs. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eqspec.nn.pixels.path import Border
    from eqspec.nn.readouts.pair_features import PairFeatures
    from eqspec.ops.op import OpCall


class PairBench(Protocol):
    """Interface of the model and the data that a protocol of pairs (I, g(I)) needs."""

    def pairs(
        self,
        split: Literal["train", "held-out"],
        *,
        families: Mapping[str, OpCall],
        borders: tuple[Border, ...],
        rows: tuple[str, ...],
        draws: int,
        limit: int,
    ) -> PairFeatures:
        """Return features of at most `limit` pairs of a split."""
        ...
