"""Predicting how two views were made differently: AugSelf (arXiv:2111.09613), section 3.1.

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
"""What is predicted for (first view, second view), and for (second, first)."""


def difference_error(predicted_BP: Tensor, difference_BP: Tensor) -> Tensor:
    """Mean squared error of a prediction, kept in (−1, 1) by a tanh; a scalar, at least float32."""
    return (at_least_fp32(predicted_BP).tanh() - difference_BP).square().mean()


def box_difference(first_B4: Tensor, second_B4: Tensor, *, mirrored_B1: Tensor) -> Tensor:
    """How the first box lies to the second, as a viewer of the first sees it, `[B, 4]`.

    Args:
        first_B4: left, top, width, height, in shares of the image `[B, 4]`.
        second_B4: the same of the other view.
        mirrored_B1: 1 where the first view is flipped left to right, else 0 `[B, 1]`.

    Returns:
        Differences of the centres down and to the right, of the heights and of the widths.
    """
    centre_first_B2 = first_B4[:, :2] + first_B4[:, 2:] / 2
    centre_second_B2 = second_B4[:, :2] + second_B4[:, 2:] / 2
    right_B1, down_B1 = (centre_first_B2 - centre_second_B2).split(1, dim=1)
    wide_B1, high_B1 = (first_B4[:, 2:] - second_B4[:, 2:]).split(1, dim=1)
    return torch.cat([down_B1, right_B1 * (1 - 2 * mirrored_B1), high_B1, wide_B1], dim=1)


class ParameterDifference(nn.Module):
    """`difference_error` of one step's parameters, mean over both orders; a plain mean over B."""

    def forward(self, predictions: Orders, parameters: Tensor) -> Tensor:
        """The term for two predictions `[B, P]` and the parameters of two views `[2, B, P]`."""
        first_BP, second_BP = at_least_fp32(parameters.detach()).unbind(0)
        wanted = (first_BP - second_BP, second_BP - first_BP)
        return _mean_error(predictions, wanted)


class CropDifference(nn.Module):
    """`difference_error` of the boxes, mean over both orders; a plain mean over B."""

    def forward(self, predictions: Orders, crop: Tensor, flip: Tensor) -> Tensor:
        """The term for predictions `[B, 4]`, boxes `[2, B, 4]` and flips `[2, B, 1]`."""
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
