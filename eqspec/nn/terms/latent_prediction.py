"""Error of features predicted from their context (I-JEPA, arXiv:2301.08243).

Legend: V views, B samples, T target blocks, P patches of a block, D features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional as F

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor


class SmoothL1(nn.Module):
    """Smooth L1 loss: half the square of errors below 1, the error minus a half elsewhere.

    Args:
        normalise: whether targets are first normalised to mean 0 and variance 1 over features.
    """

    def __init__(self, *, normalise: bool) -> None:
        super().__init__()
        self.normalise = normalise

    def forward(self, x: Tensor, y: Tensor, valid: Tensor | None = None) -> Tensor:
        """Return the mean over the valid tokens of each sample, then over samples.

        Args:
            x: predictions `[V, B, T, P, D]`.
            y: targets of the same shape; get no gradient.
            valid: `[V, B, T, P]`, true where a token is valid; None: all are.
        """
        y = at_least_fp32(y.detach())
        if self.normalise:
            y = F.layer_norm(y, y.shape[-1:])
        if valid is None:
            return F.smooth_l1_loss(at_least_fp32(x), y)
        error_VBTP = F.smooth_l1_loss(at_least_fp32(x), y, reduction="none").mean(dim=-1)
        counts_VBTP = valid.to(error_VBTP.dtype)
        total_VB = (error_VBTP * counts_VBTP).flatten(2).sum(dim=-1)
        return (total_VB / counts_VBTP.flatten(2).sum(dim=-1).clamp(min=1)).mean()
