"""A predictor that is right but for noise, on made-up representations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from eqspec.evals.predictor import Predicting
from eqspec.nn.readouts.predictions import Predictions
from eqspec.ops.tolerant import Dataset

WIDTH = 8


@dataclass(frozen=True, slots=True)
class FakePredictor:
    """Normal representations, and predictions of them.

    Attributes:
        noise: standard deviation of what is added to a prediction.
        task: what it claims to predict.
    """

    noise: float = 0.0
    task: str = "made"

    def __call__(self, dataset: Dataset, images: np.ndarray, *, others: int) -> Predictions:
        generator = torch.Generator().manual_seed(0)
        views = torch.randn(len(images), others + 1, WIDTH, generator=generator)
        noise = torch.randn(len(images), others, WIDTH, generator=generator)
        return Predictions(
            views=views,
            predicted=views[:, 1:] + self.noise * noise,
            images=images,
            sources=dataset.sources[images],
            task=self.task,
        )


_: type[Predicting] = FakePredictor
