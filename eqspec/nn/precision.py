"""Floating-point precision: losses, statistics and grids are computed in at least float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def at_least_fp32(x: Tensor) -> Tensor:
    """Return `x` as float32, or unchanged if it is already float32 or float64.

    Never reduces precision: the exactness tests run in float64.
    """
    return x.to(torch.promote_types(x.dtype, torch.float32))
