"""Interface of a model with a predictor, and its data, for evaluations. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch

    from eqspec.nn.readouts.image_features import Split
    from eqspec.nn.readouts.predictions import Predictions


class PredictorBench(Protocol):
    """Interface of the model and the data that an evaluation of a predictor needs."""

    @property
    def device(self) -> torch.device | str:
        """Device on which readouts compute."""
        ...

    def predictions(self, split: Split, *, others: int, limit: int | None) -> Predictions:
        """Return representations and predictions of views of images.

        Args:
            others: number of views that are predicted, of each image; the data may have fewer.
            limit: largest number of images, a fixed selection; None selects all.
        """
        ...
