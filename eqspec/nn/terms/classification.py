"""Classification by cross-entropy. Legend: B samples, S classifiers, C classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor


class Classification(nn.Module):
    """The mean over samples, summed over classifiers: each takes the step it would take alone.

    A plain mean, so each rank scores its own samples.
    """

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """The term, a scalar of at least float32.

        Args:
            x: logits `[B, C]`, or `[B, S, C]` of several classifiers.
            labels: classes `[B]`, int64.
        """
        logits_BSC = at_least_fp32(x).reshape(len(x), -1, x.shape[-1])
        count = logits_BSC.shape[1]
        wanted = labels.repeat_interleave(count)
        return functional.cross_entropy(logits_BSC.flatten(0, 1), wanted) * count
