"""Classification of the views of a group. Legend: V views, B samples, D = V logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor


def view_classification(logits_VBD: Tensor) -> Tensor:
    """Return the mean cross-entropy over views and samples; view v has class v.

    Args:
        logits_VBD: `[V, B, V]`.

    Returns:
        A scalar, at least float32.
    """
    views, samples = logits_VBD.shape[:2]
    own = torch.arange(views, device=logits_VBD.device).repeat_interleave(samples)
    return functional.cross_entropy(at_least_fp32(logits_VBD).flatten(0, 1), own)


class ViewClassification(nn.Module):
    """`view_classification`; a plain mean, so each rank uses only its own samples."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the term for logits `x` `[V, B, V]`."""
        return view_classification(x)
