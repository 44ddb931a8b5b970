"""Features of images and of transformed copies of them: what a regression of parameters reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eqspec.nn.readouts.feature_matrix import Columns, FeatureMatrix


@dataclass(frozen=True, slots=True)
class PairFeatures:
    """Features of pairs (I, g(I)) of n images with k draws of g each, and what was drawn.

    The keys of `moved` are (row, family, border): which part of the model, which transformation,
    and what fills the pixels from outside the image.

    Attributes:
        still: features of I per row, `[n, D]`.
        moved: features of g(I), `[n, k, D]`.
        theta: drawn parameters per family, `[n, k, P]`, in the transform op's units.
        ranges: per family `[P, 2]`, lowest and highest value of each parameter.
        names: the parameters of each family.
        images: positions in the dataset, `[n]`.
        sources: which photograph each image comes from, `[n]`.
        device: where readouts compute.
    """

    still: Mapping[str, Tensor]
    moved: Mapping[tuple[str, str, str], Tensor]
    theta: Mapping[str, np.ndarray]
    ranges: Mapping[str, np.ndarray]
    names: Mapping[str, tuple[str, ...]]
    images: np.ndarray
    sources: np.ndarray
    device: torch.device | str = "cpu"

    def inputs(self, key: tuple[str, str, str]) -> FeatureMatrix:
        """The input of a regressor: features of I and g(I) side by side, `[n·k, 2D]`."""
        still, moved = self.still[key[0]], self.moved[key]
        at = torch.arange(len(moved)).repeat_interleave(moved.shape[1])
        return FeatureMatrix((Columns(still, at), Columns(moved.flatten(0, 1))), self.device)

    def scaled(self, family: str) -> np.ndarray:
        """Parameters from their ranges onto [−1, 1], `[n·k, P]`; 0 where a range is one value."""
        low, high = self.ranges[family].T
        half = (high - low) / 2
        centred = self.theta[family] - (low + high) / 2
        scaled = np.divide(centred, half, out=np.zeros_like(centred), where=half > 0)
        return scaled.reshape(-1, scaled.shape[2])
