"""Prediction of the difference between the augmentations of two views.

AugSelf (arXiv:2111.09613), section 3.1.


Legend: B samples, P parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor

Orders = tuple["Tensor", "Tensor"]
"""Predictions for the pairs (first view, second view) and (second, first)."""


def difference_error(predicted_BP: Tensor, difference_BP: Tensor) -> Tensor:
    """Return the mean squared error of tanh(prediction), a scalar, at least float32."""
    return (at_least_fp32(predicted_BP).tanh() - difference_BP).square().mean()


def box_difference(first_B4: Tensor, second_B4: Tensor, *, mirrored_B1: Tensor) -> Tensor:
    """Return the position and size of the first box relative to the second, `[B, 4]`.

    Args:
        first_B4: left, top, width, height, as fractions of the image `[B, 4]`.
        second_B4: the same for the other view.
        mirrored_B1: `[B, 1]`, 1 where the first view is flipped horizontally, else 0.

    Returns:
        Differences of the centres (down, then right in the first view), heights and widths.
    """
    centre_first_B2 = first_B4[:, :2] + first_B4[:, 2:] / 2
    centre_second_B2 = second_B4[:, :2] + second_B4[:, 2:] / 2
    right_B1, down_B1 = (centre_first_B2 - centre_second_B2).split(1, dim=1)
    wide_B1, high_B1 = (first_B4[:, 2:] - second_B4[:, 2:]).split(1, dim=1)
    return torch.cat([down_B1, right_B1 * (1 - 2 * mirrored_B1), high_B1, wide_B1], dim=1)


class ParameterDifference(nn.Module):
    """`difference_error` of the parameters of one augmentation step, mean over both orders."""

    def forward(self, predictions: Orders, parameters: Tensor) -> Tensor:
        """Return the term for two predictions `[B, P]` and parameters of two views `[2, B, P]`."""
        first_BP, second_BP = at_least_fp32(parameters.detach()).unbind(0)
        wanted = (first_BP - second_BP, second_BP - first_BP)
        return _mean_error(predictions, wanted)


class CropDifference(nn.Module):
    """`difference_error` of the crop boxes, mean over both orders."""

    def forward(self, predictions: Orders, crop: Tensor, flip: Tensor) -> Tensor:
        """Return the term for predictions `[B, 4]`, boxes `[2, B, 4]` and flips `[2, B, 1]`."""
        first_B4, second_B4 = at_least_fp32(crop.detach()).unbind(0)
        flipped_first_B1, flipped_second_B1 = at_least_fp32(flip.detach()).unbind(0)
        wanted = (
            box_difference(first_B4, second_B4, mirrored_B1=flipped_first_B1),
            box_difference(second_B4, first_B4, mirrored_B1=flipped_second_B1),
        )
        return _mean_error(predictions, wanted)


def _mean_error(predictions: Orders, wanted: Orders) -> Tensor:
    errors = [difference_error(p, w) for p, w in zip(predictions, wanted, strict=True)]
    return torch.stack(errors).mean()
